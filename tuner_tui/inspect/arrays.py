"""A JSON document becomes rows one by one, in memory that does not grow with it; damage at row n leaves those before.

Read are an array, an object that holds one (`{"data": [...]}`), splits or columns, and objects one after another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.columns import turned_columns
from tuner_tui.inspect.held import TEST
from tuner_tui.inspect.linewise import line_ends
from tuner_tui.inspect.nested import expanded, holds_questions
from tuner_tui.inspect.opened import ROW_BYTES_MAX
from tuner_tui.inspect.rows import Bad, Block, mended
from tuner_tui.inspect.structure import Outline, Piece, Span, outline, pieces, within

ROWS = 1000
WHOLE_BYTES = 1 << 28
"""The most that is read at once: a document whose rows cannot be told before its end (columns, one odd object)."""
ENDING = ("cut_document", "broken_document", "too_deep")
"""Faults behind which nothing can be read."""
BETWEEN = b" \t\r\n,"
Chunks = Callable[[], Iterator[bytes]]
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_any: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def json_document(chunks: Chunks, path: Path, notes: list[str]) -> Iterator[Block]:
    """The rows of a document; of one that holds splits those of `train`.

    `notes` gets "split" for splits, "columns" where the document holds columns, "expanded" where a row holds several
    questions, "cut_end" where the document ends between two rows.
    """
    if _first(chunks()) == b"[":
        return _rows(chunks(), 1, notes)
    return _of_object(chunks, path, notes)


def _first(chunks: Iterable[bytes]) -> bytes:
    """The first byte that is no blank."""
    return next((chunk.lstrip()[:1] for chunk in chunks if chunk.strip()), b"")


def _of_object(chunks: Chunks, path: Path, notes: list[str]) -> Iterator[Block]:
    found = outline(chunks())
    if found is not None and found.followed:
        return _rows(chunks(), 0, notes)
    chosen = None if found is None else _chosen(chunks, found)
    if chosen is None:
        return _whole(chunks(), path, notes)
    notes += ["split"] if chosen.name == "train" and found is not None and len(found.spans) > 1 else []
    return _rows(within(chunks(), chosen.begin, chosen.end), 1, notes)


def _chosen(chunks: Chunks, found: Outline) -> Span | None:
    """The array with the rows: that of `train`, else the only one of a small object, where it holds objects."""
    lists = [span for span in found.spans if span.first == b"["]
    train = next((span for span in lists if span.name == "train"), None)
    if train is not None or len(lists) != 1 or found.keys > 4:
        return train
    first = next(iter(pieces(within(chunks(), lists[0].begin, lists[0].end), 1)), Piece(b"")).raw
    items = _items(first.strip().removeprefix(b"["))
    row = None if not items else _any.decode(items[0])
    return lists[0] if isinstance(row, dict) and not {"role", "from"} & row.keys() else None


def held_split(chunks: Chunks) -> Iterator[Block]:
    """The rows of the first split of a document that is named like a test; none where there is no such split."""
    found = outline(chunks())
    names = [span.name for span in found.spans] if found else []
    held = next((span for span in found.spans if TEST.search(span.name)), None) if found and "train" in names else None
    return iter(()) if held is None else _rows(within(chunks(), held.begin, held.end), 1, [])


# -- pieces become blocks --------------------------------------------------------------------------------------


def _rows(chunks: Iterable[bytes], level: int, notes: list[str]) -> Iterator[Block]:
    """Blocks of rows from items of this depth."""
    line, column, begun, nested = 1, 0, level == 0, None
    rest = b""
    for piece in pieces(chunks, level):
        if piece.over:
            yield Block([Bad("row_too_large")], [b""])
            continue
        rest = piece.raw if begun else piece.raw.lstrip().removeprefix(b"[")
        skipped, begun = len(piece.raw) - len(rest), True
        column += skipped if b"\n" not in piece.raw[:skipped] else 0
        items = _items(rest)
        if items is None:
            found = list(_walk(rest, line, column))
            yield from _batched(found)
            if found and isinstance(found[-1][0], Bad) and found[-1][0].code in ENDING:
                return
        elif items:
            nested = holds_questions(_any.decode(items[0])) if nested is None else nested
            yield from _nested(items, notes) if nested else _block(items)
        line += piece.raw.count(b"\n")
        column = len(piece.raw) - piece.raw.rfind(b"\n") - 1 if b"\n" in piece.raw else column + len(rest)
    if level == 1 and not rest.rstrip().endswith(b"]"):
        notes.append("cut_end")


def _items(raw: bytes) -> list[bytes] | None:
    """The bytes of each item, line ends within them as blanks; None when they are not sound."""
    raw = raw.strip(BETWEEN).replace(b"\n", b" ").replace(b"\r", b" ")
    raw = raw.removesuffix(b"]").rstrip(BETWEEN) if raw[:1] == b"]" else raw
    try:
        return list(map(bytes, _raw_list.decode(b"[" + raw + b"]")))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _block(items: list[bytes]) -> Iterator[Block]:
    """One block; as if the items were lines of a file, for then all of them are read at once."""
    if max(map(len, items)) > ROW_BYTES_MAX:
        yield from _batched((Bad("row_too_large") if len(i) > ROW_BYTES_MAX else _any.decode(i), i) for i in items)
        return
    raw = b"\n".join(items) + b"\n"
    yield Block(None, None, raw, ends=line_ends(raw))


def _nested(items: list[bytes], notes: list[str]) -> Iterator[Block]:
    notes += [] if "expanded" in notes else ["expanded"]
    rows = [row for item in items for row in expanded(_any.decode(item))]
    return _batched((row, msgspec.json.encode(row)) for row in rows)


def _whole(chunks: Iterable[bytes], path: Path, notes: list[str]) -> Iterator[Block]:
    """A document that must be known to its end: columns are turned, anything else is one row, or damaged."""
    raw = _gathered(chunks, path)
    items = turned_columns(raw)
    if items is not None:
        notes.append("columns")
        yield from _block(items)
        return
    found = _items(raw)
    yield from _block(found) if found else _batched(_walk(raw, 1, 0))


def _gathered(chunks: Iterable[bytes], path: Path) -> bytes:
    parts, size = [], 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > WHOLE_BYTES:
            raise InputError("inspect.too_large", path=path, mib=WHOLE_BYTES >> 20)
    return b"".join(parts)


# -- damage ------------------------------------------------------------------------------------------------------


def _walk(raw: bytes, line: int, column: int) -> Iterator[tuple[Any, bytes]]:
    """Row by row through damaged items that begin at a line and column; it ends, saying so, at an unreadable one."""
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
            yield _stopped(text, at, error, (line, column)), text[at : at + 1000].encode("utf-8", "surrogateescape")
            return
        piece = text[at:end].encode("utf-8", "surrogateescape")
        yield _judged(row, piece, found), piece
        at = _skip(text, end, " \t\r\n,]}")


def _stopped(text: str, at: int, error: ValueError, before: tuple[int, int]) -> Bad:
    position = getattr(error, "pos", at)
    line, column = text.count("\n", 0, position), position - text.rfind("\n", 0, position)
    column += before[1] if line == 0 else 0
    if position >= len(text.rstrip()) or "Unterminated" in str(error):
        return Bad("cut_document", f"{line + before[0]}:{column}")
    return Bad("broken_document", f"{line + before[0]}:{column} {getattr(error, 'msg', error)}")


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


def _batched(pairs: Iterable[tuple[Any, bytes]]) -> Iterator[Block]:
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
