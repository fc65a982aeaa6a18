"""Rows like those before them are decoded straight into columns: the decoder itself refuses any other key or type."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import attrgetter, or_
from typing import Any

import msgspec

FLAT = frozenset({str, int, float, bool, type(None)})


class Typed:
    """A decoder for blocks of flat objects with exactly these keys, each of one of its types (about twice as fast)."""

    def __init__(self, kinds: dict[str, set[type]]) -> None:
        names = {key: f"f{at}" for at, key in enumerate(kinds)}
        fields: list[Any] = [(names[key], reduce(or_, sorted(found, key=repr))) for key, found in kinds.items()]
        row = msgspec.defstruct(
            "Row",
            fields,
            rename={name: key for key, name in names.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)
        self._values = [attrgetter(name) for name in names.values()]
        self._kinds = kinds

    def columns(self, raw: bytes, count: int) -> tuple[dict[str, Any], dict[str, set[type]]] | None:
        """Columns and their types of `count` rows; None when a row is not like the others."""
        try:
            rows = self._decoder.decode_lines(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if len(rows) != count:
            return None
        columns = [list(map(value, rows)) for value in self._values]
        kinds = {
            key: found if len(found) == 1 else set(map(type, column))
            for (key, found), column in zip(self._kinds.items(), columns, strict=True)
        }
        return dict(zip(self._kinds, columns, strict=True)), kinds


class TypedTalks:
    """A decoder for blocks of conversations: one list of turns of two texts a row, and nothing else in it."""

    def __init__(self, column: str, role: str, content: str) -> None:
        turn = msgspec.defstruct(
            "Turn",
            [("role", str), ("content", str)],
            rename={"role": role, "content": content},
            forbid_unknown_fields=True,
            gc=False,
        )
        row = msgspec.defstruct("Row", [("turns", list[turn])], rename={"turns": column}, forbid_unknown_fields=True)  # type: ignore[valid-type]
        self.column = column
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)
        self._roles, self._content = attrgetter("role"), attrgetter("content")

    def lengths(self, raw: bytes, count: int, sound: Callable[[tuple[str, ...]], bool]) -> tuple[list[int], int] | None:
        """Characters of each row and how many turns there are in all; None unless every row is sound and no text blank.

        `sound` judges the roles of one conversation; it is asked once for each order of roles in the block.
        """
        try:
            rows = self._decoder.decode_lines(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if len(rows) != count:
            return None
        talks = [row.turns for row in rows]
        if not all(map(sound, {tuple(map(self._roles, turns)) for turns in talks})):
            return None
        texts = [list(map(self._content, turns)) for turns in talks]
        if any(not text or text.isspace() for said in texts for text in said):
            return None
        return [sum(map(len, said)) for said in texts], sum(map(len, talks))


def typed_talks(row: Any) -> TypedTalks | None:
    """A decoder for conversations like this one, when it holds nothing but its turns."""
    if not isinstance(row, dict) or len(row) != 1:
        return None
    column, turns = next(iter(row.items()))
    first = turns[0] if isinstance(turns, list) and turns and isinstance(turns[0], dict) else {}
    for role, content in (("role", "content"), ("from", "value")):
        if first.keys() == {role, content} and column in ("messages", "conversations"):
            return TypedTalks(column, role, content)
    return None


def typed_for(kinds: dict[str, set[type]]) -> Typed | None:
    """A decoder for rows of these types, where all are flat and no key holds what must be escaped."""
    odd = any(not key.isprintable() or '"' in key or "\\" in key for key in kinds)
    if not kinds or odd or not all(found <= FLAT for found in kinds.values()):
        return None
    return Typed({key: set(found) for key, found in kinds.items()})
