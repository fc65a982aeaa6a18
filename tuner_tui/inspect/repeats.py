"""Exact repeats are found in memory that does not grow with the file: 64-bit digests go to a temporary file."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterable, Iterator
from typing import IO, Any

IN_MEMORY = 1 << 18
AT_ONCE = 1 << 21
SHOWN = 1000


class Repeats:
    """Digests of rows in file order; `finish` counts those that an earlier row had.

    Two different rows share a 64-bit digest with probability rows² / 2⁶⁵ (3e-8 at a million rows).
    """

    def __init__(self) -> None:
        self._recent = array("q")
        self._spill: IO[bytes] | None = None

    def add(self, lines: Iterable[bytes]) -> None:
        """Take the bytes of the next rows."""
        self._recent.extend(map(hash, lines))
        if len(self._recent) >= IN_MEMORY:
            self._write()

    def _write(self) -> None:
        if self._spill is None:
            self._spill = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the scan
        self._recent.tofile(self._spill)
        self._recent = array("q")

    def finish(self) -> tuple[int, list[int]]:
        """How many rows repeat an earlier one, and the first of them, counted from 1."""
        if self._spill is None:
            return _count(self._recent)
        self._write()
        with self._spill:
            count, twice = _count_parts(self._spill)
            return count, _places(self._spill, twice) if twice else []


def _count(digests: array[int]) -> tuple[int, list[int]]:
    if len(set(digests)) == len(digests):
        return 0, []
    seen: set[int] = set()
    rows = []
    for number, digest in enumerate(digests, 1):
        if digest in seen:
            rows.append(number)
        seen.add(digest)
    return len(rows), rows[:SHOWN]


def _blocks(file: IO[bytes]) -> Iterator[Any]:
    import numpy

    file.seek(0)
    while raw := file.read(8 * IN_MEMORY):
        yield numpy.frombuffer(raw, dtype=numpy.int64)


def _count_parts(file: IO[bytes]) -> tuple[int, set[int]]:
    """Equal digests fall into one part by their lowest bits; part by part, about AT_ONCE digests are held at once."""
    import numpy

    file.seek(0, 2)
    parts = max(-(-file.tell() // (8 * AT_ONCE)), 1)
    count, twice = 0, set[int]()
    for part in range(parts):
        mine = numpy.concatenate([block[block % parts == part] for block in _blocks(file)])
        mine.sort()
        again = mine[1:][mine[1:] == mine[:-1]]
        count += len(again)
        twice.update(numpy.unique(again)[: max(SHOWN - len(twice), 0)].tolist())
    return count, twice


def _places(file: IO[bytes], twice: set[int]) -> list[int]:
    """The rows (from 1) that repeat an earlier one with one of these digests, the first SHOWN."""
    import numpy

    wanted = numpy.array(sorted(twice), dtype=numpy.int64)
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
