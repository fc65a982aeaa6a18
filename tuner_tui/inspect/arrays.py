"""A JSON document becomes rows one by one, so that damage at row n leaves the rows before it readable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.columns import turned_columns
from tuner_tui.inspect.held import TEST
from tuner_tui.inspect.rows import Bad, Block, mended

ROWS = 1000
MAX_BYTES = 4 << 30
Items = Sequence[bytes | msgspec.Raw]
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def json_document(chunks: Iterator[bytes], path: Path, notes: list[str]) -> Iterator[Block]:
    """Rows of an array, of an object that holds one (`{"data": [...]}`) or columns, or of objects one after another.

    Of an object that holds splits those of `train` are read, and `notes` gets "split".
    `notes` gets "columns" where the document holds columns, "cut_end" where it ends between two rows.
    """
    raw = _gathered(chunks, path)
    splits = splits_in(raw)
    notes += ["split"] if splits else []
    items = splits["train"] if splits else _raw_items(raw)
    if items is not None and len(items) == 1 and (turned := turned_columns(bytes(items[0]))):
        notes.append("columns")
        items = turned
    if items is None:
        yield from _batched(_walk(raw))
        if raw.lstrip().startswith(b"[") and raw.rstrip().endswith((b",", b"}", b"[")):
            notes.append("cut_end")
        return
    yield from _batched(_decoded(items))


def _gathered(chunks: Iterator[bytes], path: Path) -> bytes:
    parts, size = [], 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_BYTES:
            raise InputError("inspect.too_large", path=path, gib=MAX_BYTES >> 30)
    return b"".join(parts)


def _raw_items(raw: bytes) -> Items | None:
    """The rows' own bytes, still where they lie, when the whole document is sound, else None."""
    try:
        if raw.lstrip().startswith(b"["):
            return _raw_list.decode(raw)
        document = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    lists = [value for value in document.values() if bytes(value).startswith(b"[")]
    if len(document) <= 4 and len(lists) == 1:
        try:
            rows = _raw_list.decode(lists[0])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if rows and bytes(rows[0]).startswith(b"{") and not _is_turn(bytes(rows[0])):
            return rows
    return [raw]


def splits_in(raw: bytes) -> dict[str, Items] | None:
    """The rows of `{"train": [...], "test": [...]}` by split; None for any other document."""
    if not raw.lstrip().startswith(b"{"):
        return None
    try:
        document = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        lists = {name: value for name, value in document.items() if bytes(value).startswith(b"[")}
        return _rows_of(lists) if "train" in lists else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _rows_of(lists: dict[str, msgspec.Raw]) -> dict[str, Items]:
    return {name: _raw_list.decode(value) for name, value in lists.items()}


def held_split(chunks: Iterator[bytes], path: Path) -> Iterator[Block]:
    """The rows of the first split of a document that is named like a test; none where there is no such split."""
    splits = splits_in(_gathered(chunks, path)) or {}
    name = next((name for name in splits if name != "train" and TEST.search(name)), None)
    return _batched(_decoded(splits[name] if name else []))


def _is_turn(raw: bytes) -> bool:
    """A single conversation is one row, not a list of rows."""
    try:
        row = _any.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(row, dict) and bool({"role", "from"} & row.keys())


def _decoded(items: Items) -> Iterator[tuple[Any, bytes]]:
    for item in map(bytes, items):
        try:
            yield _any.decode(item), item
        except RecursionError:
            yield Bad("too_deep"), item
        except UnicodeDecodeError as error:
            yield Bad("not_utf8", f"byte {error.start + 1}"), item
        except msgspec.DecodeError:
            yield from _walk(item)


class _Constant(ValueError):
    pass


def _walk(raw: bytes) -> Iterator[tuple[Any, bytes]]:
    """Row by row through a damaged document; after the first row that cannot be parsed it ends, saying so."""
    text = raw.decode("utf-8", "surrogateescape")
    found: list[str] = []
    decoder = json.JSONDecoder(parse_constant=found.append)
    at = _skip(text, 0, " \t\r\n[,")
    while at < len(text):
        found.clear()
        try:
            row, end = decoder.raw_decode(text, at)
        except RecursionError:
            yield Bad("too_deep"), text[at:].encode("utf-8", "surrogateescape")
            return
        except ValueError as error:
            yield _stopped(text, at, error), text[at : at + 1000].encode("utf-8", "surrogateescape")
            return
        piece = text[at:end].encode("utf-8", "surrogateescape")
        yield _judged(row, piece, found), piece
        at = _skip(text, end, " \t\r\n,]}" if end < len(text) else "")


def _stopped(text: str, at: int, error: ValueError) -> Bad:
    position = getattr(error, "pos", at)
    line, column = text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
    if position >= len(text.rstrip()) or "Unterminated" in str(error):
        return Bad("cut_document", f"{line}:{column}")
    return Bad("broken_document", f"{line}:{column} {getattr(error, 'msg', error)}")


def _judged(row: Any, piece: bytes, constants: list[str]) -> Any:
    if constants:
        return Bad("nan_literal", constants[0])
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError as error:
        return Bad("not_utf8", f"byte {error.start + 1}")
    return mended(row)


def _skip(text: str, at: int, marks: str) -> int:
    while at < len(text) and text[at] in marks:
        at += 1
    return at


def _batched(pairs: Iterator[tuple[Any, bytes]]) -> Iterator[Block]:
    rows: list[Any] = []
    lines: list[bytes] = []
    for row, line in pairs:
        rows.append(row)
        lines.append(line)
        if len(rows) == ROWS:
            yield Block(rows, lines)
            rows, lines = [], []
    if rows:
        yield Block(rows, lines)
