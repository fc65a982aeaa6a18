"""Reads datasets and documents: kind, counts and problems, with the row and the remedy."""

from tuner_tui.inspect.inspection import inspect
from tuner_tui.inspect.report import Field, Inspection, Problem, Severity, Spread

__all__ = ["Field", "Inspection", "Problem", "Severity", "Spread", "inspect"]
