"""A path becomes blocks of rows, whatever holds them; the format is recognised from the first rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from advisor.errors import InputError
from tuner_tui.inspect.arrays import held_split, json_document
from tuner_tui.inspect.columnar import arrow_rows, parquet_rows
from tuner_tui.inspect.documents import Folder, document_rows, look
from tuner_tui.inspect.formats import recognise
from tuner_tui.inspect.heard import end
from tuner_tui.inspect.hub import cached
from tuner_tui.inspect.named import renamed
from tuner_tui.inspect.opened import Container, Opened, open_file, refuse_odd, suffix_of
from tuner_tui.inspect.rows import Block, Mended, json_lines
from tuner_tui.inspect.shape import DOCUMENTS, Shape
from tuner_tui.inspect.tables import csv_rows
from tuner_tui.safe import clean

FORMAT_ROWS, FORMAT_BYTES, FORMAT_COLUMNS = 200, 1 << 26, 2000
"""The format is told from so many rows, or fewer that are large, and so many of their columns."""
NAMED_FILES = 5
DOCUMENT = Shape(format="text", kind=DOCUMENTS, texts=("text",))

Notes = list[tuple[str, str]]


class Source(NamedTuple):
    """Rows to come, what was odd about where they lie, the shape where it is known, whether they were cells."""

    blocks: Iterator[Block]
    notes: Notes
    shape: Shape | None = None
    table: bool = False
    held: tuple[Path, ...] = ()
    inner: Callable[[], Iterator[Block]] | None = None
    """Reads the held-out rows that lie in the same file."""
    plain: Path | None = None
    """The file itself where its bytes are lines of UTF-8 as they stand."""


def open_source(path: Path, encoding: str | None = None) -> Source:
    """A file or folder, ready to be read; InputError when there is nothing or nothing that can be read.

    `encoding` is what a person says the text is in; without, each file's bytes tell.
    """
    path = cached(path)
    refuse_odd(path)
    if path.is_dir():
        return _open_folder(path, encoding)
    opened = open_file(path, encoding)
    notes: Notes = []
    if opened.container in (Container.TEXT, Container.PDF, Container.WORD):
        notes += _told(opened)
        return Source(unchanged(document_rows([path], notes, encoding), path, notes), notes, DOCUMENT)
    table = opened.container is Container.TABLE
    return Source(
        _noting(opened, notes), notes, table=table, inner=_inner(opened), plain=path if opened.plain else None
    )


def _inner(opened: Opened) -> Callable[[], Iterator[Block]] | None:
    """How to read the test rows that a JSON document holds beside its training rows, where it may hold any."""
    if opened.container is not Container.ARRAY or b"".join(islice(opened.chunks(), 1)).lstrip()[:1] != b"{":
        return None
    return lambda: held_split(opened.chunks)


def _told(opened: Opened) -> Notes:
    details = {"renamed": opened.container.value, "split": "train", "encoding_guess": opened.guess or ""}
    return [(note, details.get(note, opened.encoding)) for note in opened.notes]


def _noting(opened: Opened, notes: Notes) -> Iterator[Block]:
    """The rows of a file; what is odd about it, some of it known only at its end, goes to `notes` once."""
    try:
        yield from unchanged(blocks_of(opened), opened.path, notes)
    finally:
        notes += [note for note in _told(opened) if note not in notes]


def unchanged(blocks: Iterator[Block], path: Path, notes: Notes) -> Iterator[Block]:
    """The same blocks; `notes` gets "changed" where the file is another one at their end than at their beginning."""
    before = _state(path)
    try:
        yield from blocks
    finally:
        if _state(path) != before:
            notes.append(("changed", clean(path.name)))


def _state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _open_folder(path: Path, encoding: str | None) -> Source:
    folder = look(path)
    notes: Notes = [("others", _counted(folder.others))] if folder.others else []
    if folder.splits:
        notes.append(("split", ", ".join(folder.splits)))
    if folder.documents:
        return Source(document_rows(folder.documents, notes, encoding), notes, DOCUMENT)
    if not folder.parts:
        raise InputError("inspect.empty_folder", path=clean(str(path)))
    return Source(_parts(folder, notes, encoding), notes, held=tuple(folder.held))


def _counted(names: list[str]) -> str:
    """How many files, and the names of the first."""
    more = ", ..." if len(names) > NAMED_FILES else ""
    return f"{len(names)} ({', '.join(names[:NAMED_FILES])}{more})"


def _parts(folder: Folder, notes: Notes, encoding: str | None) -> Iterator[Block]:
    return chain.from_iterable(_noting(open_file(part, encoding), notes) for part in folder.parts)


def blocks_of(opened: Opened) -> Iterator[Block]:
    """Rows of one data file, by how its content lies."""
    path = opened.path
    if opened.container in (Container.PARQUET, Container.ARROW) and opened.packing:
        raise InputError("inspect.packed_columns", path=clean(str(path)))
    if opened.container is Container.PARQUET:
        return parquet_rows(path)
    if opened.container is Container.ARROW:
        return arrow_rows(path)
    if opened.container is Container.TABLE:
        return csv_rows(opened.chunks(), suffix_of(path), opened.notes)
    if opened.container is Container.ARRAY:
        return json_document(opened.chunks, path, opened.notes)
    return json_lines(opened.chunks()) if opened.container is Container.LINES else iter(())


def limited(blocks: Iterator[Block], limit: int) -> Iterator[Block]:
    """At most so many rows."""
    try:
        for block in blocks:
            yield block if len(block) <= limit else Block(block.rows[:limit], block.lines[:limit], packed=block.packed)
            limit -= len(block)
            if limit <= 0:
                return
    finally:
        end(blocks)


def recognised(source: Source, mapping: dict[str, str]) -> tuple[Shape, list[Block]]:
    """The format, told from the first rows under the user's mapping, and the blocks read for it."""
    early = until(source.blocks, FORMAT_ROWS)
    rows = [renamed(_narrow(row, mapping), mapping) for row in readable(early)]
    return source.shape or recognise(rows[:FORMAT_ROWS], table=source.table), early


def _narrow(row: dict[str, Any], mapping: dict[str, str]) -> dict[str, Any]:
    """The row's first columns, where it has more than any data set has, and those that a person named."""
    if len(row) <= FORMAT_COLUMNS:
        return row
    named = {column: row[column] for column in mapping.values() if column in row}
    return {**dict(islice(row.items(), FORMAT_COLUMNS)), **named}


def until(blocks: Iterator[Block], rows: int) -> list[Block]:
    """The first blocks, with at least so many rows where there are as many and they are not very large."""
    early: list[Block] = []
    size = 0
    for block in blocks:
        early.append(block)
        rows -= len(block)
        size += block.size
        if rows <= 0 or size >= FORMAT_BYTES:
            break
    return early


def readable(blocks: list[Block]) -> Iterator[dict[str, Any]]:
    """Rows that are objects."""
    for block in blocks:
        for row in block.rows:
            value = row.row if isinstance(row, Mended) else row
            if isinstance(value, dict):
                yield value
