"""Cells become rows under the header's names; a row whose cells do not fit the header is named, never shifted."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec

from tuner_tui.inspect.encoding import eastern
from tuner_tui.inspect.quotes import apart
from tuner_tui.inspect.rows import Bad, Block, Mended

ROWS = 1000
CELL_CHARS_MAX = 1 << 26
LINE_COST = 64
"""What a line takes beside its characters: a row of many short lines is cut off, too."""


def csv_rows(chunks: Iterator[bytes], suffix: str, notes: list[str]) -> Iterator[Block]:
    """Rows of a delimited file as text cells; empty cells stay empty text. `notes` gets what is odd about the file."""
    csv.field_size_limit(CELL_CHARS_MAX)
    lines = _Lines(chunks)
    header_line = next(lines, "")
    usual = "\t" if suffix == ".tsv" else ","
    mark = usual if suffix == ".tsv" and usual in header_line else _separator(header_line)
    if suffix in (".csv", ".tsv") and mark != usual and mark in header_line:
        notes.append("separator")
    rows: list[Any] = []
    for row in _named(header_line, lines, mark):
        rows.append(row)
        if len(rows) == ROWS:
            yield _block(rows)
            rows = []
    if rows:
        yield _block(rows)


def _named(header_line: str, lines: _Lines, mark: str) -> Iterator[Any]:
    lines.back(header_line)
    reader = csv.reader(lines, delimiter=mark)
    header: list[str] | None = None
    twice = False
    while True:
        lines.begin()
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
        known = Mended({}, "duplicate_columns") if twice else None
        open_ = lines.ended or lines.full
        odd = open_ or len(lines.given) > 1 or len(cells) != len(header)
        parted = apart(lines.given, mark, len(header), ended=open_) if odd else None
        if parted is not None:
            for each, stray in parted:
                yield _row(header, each, lines, Mended({}, "stray_quotes") if stray else known)
        elif open_:
            yield Bad("open_quote")
            return  # where the rows after it begin, nobody can tell
        else:
            yield _row(header, cells, lines, known)


def _row(header: list[str], cells: list[str], lines: _Lines, odd: Mended | None) -> Any:
    """The row under the header's names, or why there is none; `odd` is what was mended of it."""
    if lines.damaged:
        return Bad("not_utf8", f"line {lines.number}")
    if len(cells) != len(header):
        return Bad("bad_row", f"{len(cells)} / {len(header)}")
    row = dict(zip(header, cells, strict=True))
    if lines.other:
        return Mended(row, "mixed_encoding", lines.other)
    return row if odd is None else Mended(row, odd.code)


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
        self.given: list[str] = []
        """The lines of the row that is being read."""
        self._cost = 0
        self.full = False
        """Whether the row was cut off because no row is as large."""

    def begin(self) -> None:
        """The next row begins."""
        self.damaged, self.other, self.given, self._cost, self.full = False, "", [], 0, False

    def back(self, line: str) -> None:
        """Give a line that was looked at once more."""
        if line:
            self._ready.append(line.removesuffix("\n"))
            self.number -= 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._cost > CELL_CHARS_MAX:
            self.full = True
            raise StopIteration
        while not self._ready:
            chunk = next(self._chunks, None)
            if chunk is None:
                line = "".join(self._rest) + self._decoder.decode(b"", final=True)
                self._rest = []
                if not line:
                    self.ended = True
                    raise StopIteration
                return self._give(line)
            first, *others = self._decoder.decode(chunk).split("\n")
            self._hold(first)
            if others:
                whole = ["".join(self._rest), *others[:-1]]
                self._rest, self._held = [], 0
                self._hold(others[-1])
                self._ready = whole[::-1]
        return self._give(self._ready.pop() + "\n")

    def _give(self, line: str) -> str:
        safe = self._safe(line)
        self.given.append(safe)
        self._cost += len(safe) + LINE_COST
        return safe

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
