"""Exact repeats are found in memory that does not grow with the file: 64-bit digests go to a temporary file.

Lines of a file are told apart by their length and some of their words first; where two cannot be, the file is read
again and the suspects are hashed whole. So a file without repeats costs little, and none is taken for one wrongly.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from tuner_tui.inspect.linewise import joined, marks
from tuner_tui.inspect.rows import Block

IN_MEMORY = 1 << 18
AT_ONCE = 1 << 21
SHOWN = 1000


class Repeats:
    """Digests of rows in file order; `finish` counts those that an earlier row had.

    Two different rows share a 64-bit digest of all their bytes with probability rows² / 2⁶⁵ (3e-8 at a million rows).
    """

    def __init__(self, suspects: Any = None) -> None:
        self._recent = array("q")
        self._spill: IO[bytes] | None = None
        self._suspects = suspects
        self._marked = False

    def add(self, block: Block) -> None:
        """Take the next rows."""
        if block.packed:
            self._marked = True
            self._recent.frombytes(self._marks(block).tobytes())
        else:
            self._recent.extend(map(hash, block.lines))
        if len(self._recent) >= IN_MEMORY:
            self._write()

    def _marks(self, block: Block) -> Any:
        raw, ends = (block.raw, block.ends) if block.raw and block.ends is not None else joined(block.lines)
        found = marks(raw, ends)
        if self._suspects is not None:
            import numpy

            for at in numpy.flatnonzero(numpy.isin(found, self._suspects)).tolist():
                found[at] = hash(raw[ends[at - 1] + 1 if at else 0 : ends[at]])
        return found

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

    def absorb(self, file: IO[bytes]) -> None:
        """Take the digests of lines that another one gave; they follow those taken so far."""
        self._marked = True
        for block in _blocks(file):
            self._recent.frombytes(block.tobytes())
            if len(self._recent) >= IN_MEMORY:
                self._write()

    def finish(self, again: Callable[[], Iterable[Block]] | None = None) -> tuple[int, list[int]]:
        """How many rows repeat an earlier one, and the first of them, counted from 1.

        `again` gives the same blocks once more; it is asked only where lines of a file are suspected to be equal.
        """
        if self._spill is None:
            count, rows, twice = _count(self._recent)
        else:
            self._write()
            with self._spill:
                count, twice = _count_parts(self._spill)
                rows = _places(self._spill, twice[:SHOWN]) if count else []
        unsure = count and self._marked and self._suspects is None
        return self._confirmed(twice, again()) if unsure and again is not None else (count, rows)

    def _confirmed(self, twice: Any, again: Iterable[Block]) -> tuple[int, list[int]]:
        whole = Repeats(twice)
        for block in again:
            whole.add(block)
        return whole.finish()


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
    parts = max(-(-file.tell() // (8 * AT_ONCE)), 1)
    count, twice = 0, []
    for part in range(parts):
        mine = numpy.concatenate([block[block % parts == part] for block in _blocks(file)])
        mine.sort()
        again = mine[1:][mine[1:] == mine[:-1]]
        count += len(again)
        twice.append(numpy.unique(again))
    return count, numpy.sort(numpy.concatenate(twice))


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
