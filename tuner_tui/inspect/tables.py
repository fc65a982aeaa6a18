"""Cells become rows under the header's names; a row whose cells do not fit the header is named, never shifted."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.encoding import eastern
from tuner_tui.inspect.rows import Bad, Block, Mended

ROWS = 1000
CELL_CHARS_MAX = 1 << 26


def csv_rows(chunks: Iterator[bytes], suffix: str) -> Iterator[Block]:
    """Rows of a delimited file as text cells; empty cells stay empty text."""
    csv.field_size_limit(CELL_CHARS_MAX)
    lines = _Lines(chunks)
    header_line = next(lines, "")
    mark = "\t" if suffix == ".tsv" else _separator(header_line)
    reader = csv.reader(_chain(header_line, lines), delimiter=mark)
    rows: list[Any] = []
    for row in _named(reader, lines):
        rows.append(row)
        if len(rows) == ROWS:
            yield _block(rows)
            rows = []
    if rows:
        yield _block(rows)


def _named(reader: Any, lines: _Lines) -> Iterator[Any]:
    header: list[str] | None = None
    twice = False
    while True:
        lines.damaged, lines.other = False, ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Bad("bad_row", str(error))
            continue
        if not cells:
            continue
        if header is None:
            header = _names(cells)
            twice = header != [cell.strip() for cell in cells]
            continue
        if lines.ended:
            yield Bad("open_quote")
        elif lines.damaged:
            yield Bad("not_utf8", f"line {lines.number}")
        elif len(cells) != len(header):
            yield Bad("bad_row", f"{len(cells)} / {len(header)}")
        else:
            row = dict(zip(header, cells, strict=True))
            if lines.other:
                yield Mended(row, "mixed_encoding", lines.other)
            else:
                yield Mended(row, "duplicate_columns") if twice else row


class _Lines:
    """Text lines, with a mark when one of them held bytes that are not UTF-8."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest: list[str] = []
        self._held = 0
        self._ready: list[str] = []
        self.number = 0
        """Lines given so far."""
        self.damaged = False
        self.other = ""
        """The other encoding that a line was in."""
        self.ended = False
        """Whether more was asked for than there is: a row that a reader still asks for then has an open quote."""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while not self._ready:
            chunk = next(self._chunks, None)
            if chunk is None:
                line = "".join(self._rest) + self._decoder.decode(b"", final=True)
                self._rest = []
                if not line:
                    self.ended = True
                    raise StopIteration
                return self._safe(line)
            first, *others = self._decoder.decode(chunk).split("\n")
            self._hold(first)
            if others:
                whole = ["".join(self._rest), *others[:-1]]
                self._rest, self._held = [], 0
                self._hold(others[-1])
                self._ready = whole[::-1]
        return self._safe(self._ready.pop() + "\n")

    def _hold(self, text: str) -> None:
        """Gather the beginning of a line; what no cell may hold is let go."""
        if self._held <= CELL_CHARS_MAX:
            self._rest.append(text)
        self._held += len(text)

    def _safe(self, line: str) -> str:
        self.number += 1
        if line.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in line):
            return line
        raw = line.encode("utf-8", "surrogateescape")
        self.other = eastern(raw) or ""
        self.damaged = not self.other
        return raw.decode(self.other or "utf-8", "replace")


def _chain(first: str, lines: _Lines) -> Iterator[str]:
    if first:
        yield first
    yield from lines


def _separator(header: str) -> str:
    return max("\t,;|", key=lambda mark: (header.count(mark), mark == ","))


def _block(rows: list[Any]) -> Block:
    """A row that cannot be read has no bytes that another could repeat."""
    return Block(rows, [_bytes_of(row) for row in rows])


def _bytes_of(row: Any) -> bytes:
    if isinstance(row, Bad):
        return uuid4().bytes
    return msgspec.json.encode(row.row if isinstance(row, Mended) else row)


def _names(cells: list[str]) -> list[str]:
    """The header's names, each once: a second column of one name would hide the first."""
    names: dict[str, None] = {}
    seen: Counter[str] = Counter()
    for cell in map(str.strip, cells):
        seen[cell] += 1
        name = cell if seen[cell] == 1 else f"{cell} ({seen[cell]})"
        while name in names:
            seen[cell] += 1
            name = f"{cell} ({seen[cell]})"
        names[name] = None
    return list(names)


def parquet_rows(path: Path) -> Iterator[Block]:
    """Rows of a Parquet file, batch by batch; InputError when it is cut or damaged."""
    import pyarrow.lib
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROWS):
                yield _arrow_block(batch)
    except (pyarrow.lib.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def arrow_rows(path: Path) -> Iterator[Block]:
    """Rows of an Arrow file or stream (what `datasets` saves), batch by batch."""
    import pyarrow
    import pyarrow.ipc
    import pyarrow.lib

    try:
        with pyarrow.OSFile(str(path), "rb") as source:
            for batch in _batches(pyarrow.ipc, source):
                for start in range(0, batch.num_rows, ROWS):
                    yield _arrow_block(batch.slice(start, ROWS))
    except (pyarrow.lib.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _batches(ipc: Any, source: Any) -> Iterator[Any]:
    magic = source.read(6)
    source.seek(0)
    if magic == b"ARROW1":
        reader = ipc.open_file(source)
        yield from (reader.get_batch(at) for at in range(reader.num_record_batches))
    else:
        yield from ipc.open_stream(source)


def _arrow_block(batch: Any) -> Block:
    return _block_of(batch.to_pylist())


def _block_of(rows: list[Any]) -> Block:
    return Block(rows, [msgspec.json.encode(row, enc_hook=str) for row in rows])


def _damaged(path: Path, error: Exception) -> InputError:
    from tuner_tui.safe import clean

    return InputError("inspect.unreadable", path=clean(str(path)), detail=clean(str(error).partition("\n")[0], 200))
