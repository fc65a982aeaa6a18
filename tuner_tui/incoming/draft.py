"""A recipe while it is being read: what was found, what was understood, and what found no place."""

from __future__ import annotations

from typing import Any


class Draft:
    """`raw` is the other tool's file without its empty keys, `found` the recipe's plain data so far.

    `known` are the keys of `raw` that were understood, `left` what is said beside them.
    """

    def __init__(self, tool: str, raw: dict[str, Any], found: dict[str, Any]) -> None:
        self.tool = tool
        self.raw = {key: value for key, value in raw.items() if value is not None and value not in ("", [], {})}
        self.found = found
        self.known: set[str] = set()
        self.left: dict[str, Any] = {}

    def put(self, key: str, value: Any) -> None:
        """Set a key of the recipe (`train.epochs`)."""
        part, _, name = key.rpartition(".")
        (self.found.setdefault(part, {}) if part else self.found)[name] = value

    def get(self, key: str) -> Any:
        """What a key of the recipe holds so far, None where nothing."""
        part, _, name = key.rpartition(".")
        return (self.found.get(part, {}) if part else self.found).get(name)

    def drop(self, key: str) -> None:
        """Take a key of the recipe back."""
        part, _, name = key.rpartition(".")
        self.found.get(part, {}).pop(name, None)

    def take(self, theirs: str, ours: str, value: Any) -> None:
        """A key of theirs is understood as `value` of ours."""
        self.put(ours, value)
        self.known.add(theirs)


def number(value: Any) -> Any:
    """YAML 1.1 reads 2e-4 as text; every one of these tools means a number."""
    if isinstance(value, str) and value[:1] in "+-.0123456789":
        try:
            return float(value)
        except ValueError:
            return value
    return value
