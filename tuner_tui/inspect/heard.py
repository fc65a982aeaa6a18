"""Whoever waits for a long reading hears how far it is, and ends it by raising; nothing is caught here."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path

from tuner_tui.inspect.rows import Block

Heard = Callable[[int, float | None], None]
"""Rows read so far, and the share of the file's bytes (None where it is not known: a folder, a packed file)."""


WHOLE = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt")


def hearing(blocks: Iterable[Block], path: Path, heard: Heard | None) -> Iterator[Block]:
    """The same blocks; `heard` is called before each."""
    if heard is None:
        yield from blocks
        return
    try:
        yield from _hearing(blocks, path, heard)
    finally:
        end(blocks)


def end(blocks: Iterable[Block]) -> None:
    """End a reading before its last block, so that it says what was odd so far."""
    if isinstance(blocks, Generator):
        blocks.close()


def _hearing(blocks: Iterable[Block], path: Path, heard: Heard) -> Iterator[Block]:
    size = path.stat().st_size if path.is_file() and path.suffix.lower() in WHOLE else 0
    rows, done = 0, 0
    for block in blocks:
        heard(rows, min(done / size, 1.0) if size else None)
        rows += len(block)
        done += block.size
        yield block
