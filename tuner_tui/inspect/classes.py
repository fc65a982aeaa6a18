"""Rows with a class or verdict teach a difference: where all of them have the same one, none teaches anything."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tuner_tui.inspect.shape import Shape
from tuner_tui.liked import verdict

CHARS = 60


def class_of(named: dict[str, Any], shape: Shape) -> str:
    """The class or verdict of a sound row; "" in a form that has none."""
    if shape.format == "unpaired":
        return str(verdict(named["label"])).lower()
    return str(named["completion"])[:CHARS] if shape.check == "labelled" else ""


def only_class(counts: Counter[str]) -> str | None:
    """The class that several rows all have; None where there are two classes, or none."""
    return next(iter(counts)) if len(counts) == 1 and "" not in counts and counts.total() > 1 else None
