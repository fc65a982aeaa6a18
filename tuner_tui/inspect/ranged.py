"""A large file of lines is scanned by several processes, each a run of its blocks; the outcome is that of one process.

Blocks begin where one reader would begin them, so sampling, lengths and row numbers are the same. A helper that ends
badly costs time only: the rest is then read here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

import msgspec

from tuner_tui.inspect.heard import Heard
from tuner_tui.inspect.opened import CHUNK_BYTES, ROW_BYTES_MAX
from tuner_tui.inspect.rows import Block, json_lines
from tuner_tui.inspect.sample import Sample
from tuner_tui.inspect.scan import COLUMNS_MAX, Part, Scan
from tuner_tui.inspect.shape import Shape

LEAST_BYTES = 1 << 27
"""Of a file from which a second process is worth its start (about a quarter of a second)."""
MOST, AHEAD = 4, 0.14
"""Processes at most, and how much more than its share the first one scans, for it need not be started."""
TICK_S = 0.1


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a helper scans: the bytes from `begin` to `end`, both after line ends, as this shape under this mapping."""

    path: str
    begin: int
    end: int
    shape: Shape
    mapping: dict[str, str]
    marks: int
    found: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a helper found: its part of the scan, and of each block the offset and the rows before it."""

    part: Part
    blocks: list[tuple[int, int]]


class Later:
    """A block that a helper read; its rows are read again when they are wanted."""

    def __init__(self, path: Path, begin: int, end: int) -> None:
        self._path, self._begin, self._end = path, begin, end

    @property
    def rows(self) -> list[Any]:
        """The rows, decoded."""
        blocks = json_lines(iter([b"".join(chunks_of(self._path, self._begin, self._end))]))
        return [row for block in blocks for row in block.rows]


class Helper:
    """A process that scans a part of the file; `begin` is where it starts."""

    def __init__(self, path: Path, begin: int, end: int, scan: Scan) -> None:
        self.path, self.begin, self.end = path, begin, end
        self.marks: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the helper
        self._found: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        fds = self.marks.fileno(), self._found.fileno()
        asked = Asked(
            path=str(path.absolute()),
            begin=begin,
            end=end,
            shape=scan.shape,
            mapping=scan.asked_mapping,
            marks=fds[0],
            found=fds[1],
        )
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=fds,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self._child.stdin is not None
        self._child.stdin.write(msgspec.json.encode(asked))
        self._child.stdin.close()

    def join(self, rows: int, heard: Heard | None) -> Found | None:
        """Wait for what it found; None where it ended badly. `heard` may raise to end it all."""
        while True:
            try:
                if self._child.wait(TICK_S) != 0:
                    return None
                break
            except subprocess.TimeoutExpired:
                if heard is not None:
                    heard(rows, None)
        self._found.seek(0)
        try:
            return msgspec.msgpack.decode(self._found.read(), type=Found)
        except msgspec.DecodeError:
            return None

    def close(self) -> None:
        """End the process, whatever it does."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        self.marks.close()
        self._found.close()


CHILD = "from tuner_tui.inspect.ranged import answer; answer()"


def scanned(
    path: Path | None, early: list[Block], rest: Iterator[Block], scan: Scan, sample: Sample, heard: Heard | None = None
) -> None:
    """Scan all blocks and give each to `sample`, in order; helped where `path` is a large file of lines."""
    helpers = [] if path is None else _helpers(path, scan)
    try:
        end = helpers[0].begin if helpers else None
        for block in chain(early, rest):
            if end is not None and block.offset >= end:
                break
            sample.take(scan.rows, block)
            scan.take(block)
        for helper in helpers:
            _merge(helper, scan, sample, heard)
    finally:
        for helper in helpers:
            helper.close()


def _helpers(path: Path, scan: Scan) -> list[Helper]:
    size = path.stat().st_size
    count = min(_cores(), MOST, size // (LEAST_BYTES // 2))
    if size < LEAST_BYTES or count < 2:
        return []
    chunks = -(-size // CHUNK_BYTES)
    mine = round(chunks * (1 + AHEAD * (count - 1)) / count)
    places = [_line_begin(path, place * CHUNK_BYTES) for place in _shared(mine, chunks, count - 1)]
    if None in places or len(set(places)) < len(places):
        return []
    ends = [*places[1:], size]
    return [Helper(path, begin, end, scan) for begin, end in zip(places, ends, strict=True) if begin and end]


def _shared(begin: int, end: int, count: int) -> list[int]:
    """Where so many equal parts begin."""
    return [begin + (end - begin) * part // count for part in range(count)]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _line_begin(path: Path, place: int) -> int | None:
    """Where the line begins that goes on at a place; None when it is too long to be looked for."""
    with path.open("rb") as file:
        for start in range(place - CHUNK_BYTES, max(place - ROW_BYTES_MAX, 0) - CHUNK_BYTES, -CHUNK_BYTES):
            file.seek(max(start, 0))
            found = file.read(CHUNK_BYTES).rfind(b"\n")
            if found >= 0:
                return max(start, 0) + found + 1
    return None


def _merge(helper: Helper, scan: Scan, sample: Sample, heard: Heard | None) -> None:
    found = helper.join(scan.rows, heard)
    if found is None or len({*found.part.types, *scan.types}) >= COLUMNS_MAX:
        for block in json_lines(chunks_of(helper.path, helper.begin, helper.end), helper.begin):
            sample.take(scan.rows, block)
            scan.take(block)
        return
    ends = [offset for offset, _ in found.blocks[1:]]
    for (offset, before), end in zip(found.blocks, [*ends, helper.end], strict=True):
        sample.take(scan.rows + before, Later(helper.path, offset, end))
    scan.repeats.absorb(helper.marks, found.blocks)
    scan.merge(found.part)


def partly(path: Path) -> Callable[[int, int | None], Iterator[Block]]:
    """Reads the blocks of lines from one place in a file to another."""
    return lambda begin, end: json_lines(chunks_of(path, begin, end), begin)


def chunks_of(path: Path, begin: int, end: int | None) -> Iterator[bytes]:
    """The bytes of a part (`end` None: to the file's), cut where one reader of the whole file would cut them."""
    end = path.stat().st_size if end is None else end
    with path.open("rb") as file:
        file.seek(begin)
        while begin < end:
            stop = min((begin // CHUNK_BYTES + 1) * CHUNK_BYTES, end)
            if not (chunk := file.read(stop - begin)):
                return
            begin += len(chunk)
            yield chunk


def answer() -> None:
    """The helper's work: what stdin asks, written into the open files that it names."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    scan = Scan(asked.shape, asked.mapping)
    blocks = []
    for block in json_lines(chunks_of(Path(asked.path), asked.begin, asked.end), asked.begin):
        blocks.append((block.offset, scan.rows))
        scan.take(block)
    with os.fdopen(asked.marks, "wb") as marks:
        scan.repeats.give(marks)
    with os.fdopen(asked.found, "wb") as found:
        found.write(msgspec.msgpack.encode(Found(part=scan.part(), blocks=blocks)))
