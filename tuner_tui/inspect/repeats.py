"""Exact repeats are found in memory that does not grow with the file: 64-bit digests go to a temporary file.

Lines of a file are told apart by their length and some of their words first; where two cannot be, the blocks that hold
them are read again and the suspects are hashed whole. So few repeats cost little, and none is taken for one wrongly.
"""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import count as counting
from itertools import islice
from typing import IO, Any
from uuid import uuid4

from tuner_tui.inspect.linewise import joined, marks
from tuner_tui.inspect.rows import Block

Again = Callable[[], Iterable[Block]]
"""All blocks once more."""
Part = Callable[[int, int | None], Iterable[Block]]
"""The blocks of lines from one place in the file to another (None: its end)."""
IN_MEMORY = 1 << 18
AT_ONCE = 1 << 19
SHOWN = 1000


class Repeats:
    """Digests of rows in file order; `finish` counts those that an earlier row had.

    Two different rows share a 64-bit digest of all their bytes with probability rows² / 2⁶⁵ (3e-8 at a million rows).
    """

    def __init__(self) -> None:
        self._recent = array("q")
        self._spill: IO[bytes] | None = None
        self._marked = False
        self._rows = 0
        self._begins: list[int] = []
        self._offsets: list[int] = []
        """Of each block of marked lines the rows before it, and where in the file it begins."""

    def add(self, block: Block) -> None:
        """Take the next rows."""
        if block.packed:
            self._marked = True
            self._begins.append(self._rows)
            self._offsets.append(block.offset)
            self._recent.frombytes(_marks(block).tobytes())
        else:
            self._recent.extend(map(hash, block.lines))
        self._rows += len(block)
        self._spare()

    def _spare(self) -> None:
        if len(self._recent) >= IN_MEMORY:
            self._write()

    def _write(self) -> None:
        if self._spill is None:
            self._spill = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the scan
        self._recent.tofile(self._spill)
        self._recent = array("q")

    def give(self, file: IO[bytes]) -> None:
        """Write all digests to a file, for `absorb`."""
        if self._spill is not None:
            self._write()
            for block in _blocks(self._spill):
                file.write(block.tobytes())
        self._recent.tofile(file)

    def absorb(self, file: IO[bytes], blocks: Iterable[tuple[int, int]]) -> None:
        """Take the digests of lines that another one gave; they follow those taken so far.

        `blocks` are the offset of each of its blocks and the rows before that one.
        """
        self._marked = True
        for offset, before in blocks:
            self._begins.append(self._rows + before)
            self._offsets.append(offset)
        for block in _blocks(file):
            self._recent.frombytes(block.tobytes())
            self._rows += len(block)
            self._spare()

    def finish(self, again: Again | None = None, part: Part | None = None) -> tuple[int, list[int]]:
        """How many rows repeat an earlier one, and the first of them, counted from 1.

        `again` and `part` read once more, only where lines of a file are suspected to be equal; `part` only some of it.
        """
        if self._spill is None:
            count, rows, twice = _count(self._recent)
            return self._confirmed(twice, again, part) if count and self._marked and again else (count, rows)
        self._write()
        with self._spill:
            count, twice = _count_parts(self._spill)
            if count and self._marked and again:
                return self._confirmed(twice, again, part)
            return count, _places(self._spill, twice[:SHOWN]) if count else []

    def _confirmed(self, twice: Any, again: Again, part: Part | None) -> tuple[int, list[int]]:
        """The same of the suspects alone, each hashed whole."""
        whole, rows = Repeats(), self._suspects(twice)
        for line in _walked(rows, again()) if part is None else self._lines(rows, part):
            whole._recent.append(hash(line))
            whole._spare()
        count, ordinals = whole.finish()
        wanted = {ordinal - 1 for ordinal in ordinals}
        found = zip(counting(), self._suspects(twice), strict=False)
        return count, list(islice((row + 1 for at, row in found if at in wanted), len(wanted)))

    def _suspects(self, twice: Any) -> Iterator[int]:
        """The rows (from 0) with one of these digests, in order."""
        import numpy

        start = 0
        for block in _blocks(self._spill) if self._spill is not None else [numpy.frombuffer(self._recent, "q")]:
            yield from (numpy.flatnonzero(numpy.isin(block, twice)) + start).tolist()
            start += len(block)

    def _lines(self, rows: Iterable[int], part: Part) -> Iterator[bytes]:
        """The bytes of these rows; only the blocks that hold one of them are read."""
        held, lines = -1, list[bytes]()
        for row in rows:
            at = bisect_right(self._begins, row) - 1
            if at != held:
                end = self._offsets[at + 1] if at + 1 < len(self._offsets) else None
                held, lines = at, [line for block in part(self._offsets[at], end) for line in block.lines]
            place = row - self._begins[at]
            yield lines[place] if place < len(lines) else uuid4().bytes


def _walked(rows: Iterator[int], blocks: Iterable[Block]) -> Iterator[bytes]:
    """The bytes of these rows, all blocks being read."""
    start, row = 0, next(rows, None)
    for block in blocks:
        while row is not None and row < start + len(block):
            yield block.lines[row - start]
            row = next(rows, None)
        start += len(block)


def _marks(block: Block) -> Any:
    raw, ends = (block.raw, block.ends) if block.raw and block.ends is not None else joined(block.lines)
    return marks(raw, ends)


def _count(digests: array[int]) -> tuple[int, list[int], Any]:
    import numpy

    if len(set(digests)) == len(digests):
        return 0, [], None
    seen: set[int] = set()
    rows, twice = [], set[int]()
    for number, digest in enumerate(digests, 1):
        if digest in seen:
            rows.append(number)
            twice.add(digest)
        seen.add(digest)
    return len(rows), rows[:SHOWN], numpy.array(sorted(twice), dtype=numpy.int64)


def _blocks(file: IO[bytes]) -> Iterator[Any]:
    import numpy

    file.seek(0)
    while raw := file.read(8 * IN_MEMORY):
        yield numpy.frombuffer(raw, dtype=numpy.int64)


def _count_parts(file: IO[bytes]) -> tuple[int, Any]:
    """Equal digests fall into one part by their lowest bits; part by part, about AT_ONCE digests are held at once."""
    import numpy

    file.seek(0, 2)
    parts = 1 << (file.tell() // (8 * AT_ONCE)).bit_length()
    count, twice = 0, []
    for part in range(parts):
        number, again = _count_part(block[block & (parts - 1) == part] for block in _blocks(file))
        count += number
        twice.append(again)
    return count, numpy.sort(numpy.concatenate(twice))


def _count_part(blocks: Iterable[Any]) -> tuple[int, Any]:
    """How many digests repeat an earlier one, and which; of those that repeat one is held, however often it comes."""
    import numpy

    count, held, size = 0, list[Any](), 0
    twice = numpy.empty(0, numpy.int64)

    def press() -> None:
        nonlocal count, held, twice
        digests = numpy.concatenate(held or [twice[:0]])
        held.clear()
        digests.sort()
        repeats = digests[1:] == digests[:-1]
        if repeats.any():
            count += int(numpy.count_nonzero(repeats))
            twice = numpy.union1d(twice, digests[1:][repeats])
            digests = digests[numpy.concatenate(([True], ~repeats))]
        held.append(digests)

    for block in blocks:
        held.append(block)
        size += len(block)
        if size > 2 * AT_ONCE:
            press()
            size = len(held[0])
    press()
    return count, twice


def _places(file: IO[bytes], wanted: Any) -> list[int]:
    """The rows (from 1) that repeat an earlier one with one of these digests, the first SHOWN."""
    import numpy

    seen: set[int] = set()
    rows: list[int] = []
    start = 0
    for block in _blocks(file):
        for at in numpy.flatnonzero(numpy.isin(block, wanted)).tolist():
            digest = int(block[at])
            if digest in seen:
                rows.append(start + at + 1)
            seen.add(digest)
        start += len(block)
        if len(rows) >= SHOWN:
            break
    return rows[:SHOWN]
