"""A column is found by its name, and within an object or list by a dotted one: `answers.text.0`."""

from __future__ import annotations

from typing import Any

MISSING = object()


def cell(row: dict[str, Any], name: str) -> Any:
    """What stands under a name, plain or dotted; MISSING when nothing does."""
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def renamed(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    """The row with its columns under our names too; `columns` is our field -> their column."""
    found = {ours: cell(row, theirs) for ours, theirs in columns.items()}
    return {**row, **{ours: value for ours, value in found.items() if value is not MISSING}}
