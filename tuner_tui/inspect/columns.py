"""A JSON object that holds columns, as pandas writes it, is turned into rows only when every column is as long."""

from __future__ import annotations

from typing import Any

import msgspec

LEAST = 2


def turned_columns(raw: bytes) -> list[bytes] | None:
    """The rows of `{"a": [1, 2], "b": [3, 4]}`, of `{"a": {"0": 1}, ...}` or of `{"0": {"a": 1}, ...}`; else None."""
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(document, dict) or not document:
        return None
    parts = list(document.values())
    if all(isinstance(part, list) for part in parts):
        return _rows(list(document), parts)
    if not all(isinstance(part, dict) and part for part in parts) or len({frozenset(part) for part in parts}) > 1:
        return None
    labels = list(parts[0])
    if all(label.isdigit() for label in labels):
        return _rows(list(document), [[part[label] for label in labels] for part in parts])
    if all(name.isdigit() for name in document) and len(parts) >= LEAST:
        return [msgspec.json.encode(part) for part in parts]
    return None


def _rows(names: list[str], columns: list[list[Any]]) -> list[bytes] | None:
    flat = all(not isinstance(value, dict) for column in columns for value in column)
    if len(names) < LEAST or len(set(map(len, columns))) > 1 or len(columns[0]) < LEAST or not flat:
        return None
    return [msgspec.json.encode(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
