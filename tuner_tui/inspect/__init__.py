"""Reads datasets and documents: kind, counts and problems, with the row and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner_tui.inspect.inspection import inspect
    from tuner_tui.inspect.report import Field, Inspection, Problem, Severity, Spread

__all__ = ["Field", "Inspection", "Problem", "Severity", "Spread", "inspect"]


def __getattr__(name: str) -> Any:
    """Loaded when first wanted: a process that only scans needs none of it."""
    if name not in __all__:
        raise AttributeError(name)
    from tuner_tui.inspect import inspection, report

    return inspection.inspect if name == "inspect" else getattr(report, name)
