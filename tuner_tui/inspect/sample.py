"""The deeper checks look at every row of a small file, at blocks drawn evenly from a large one, at all when asked."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from tuner_tui.inspect.rows import Mended

BLOCKS, DRAWN = 24, 5
"""Blocks are about 500 KB: some 12 MB are read whole; of a larger file five blocks tell shares well enough."""
SEED = 42


class Rows(Protocol):
    """A block of rows, or one that is read again when its rows are wanted."""

    @property
    def rows(self) -> list[Any]:
        """The rows, decoded."""


Numbered = list[tuple[int, dict[str, Any]]]


class Sample:
    """Blocks on their way to the deeper checks: at once when `full`, else a reservoir of them at the end."""

    def __init__(self, look: Callable[[Numbered], None], *, full: bool = False) -> None:
        self._look, self._full = look, full
        self._random = Random(SEED)
        self._kept: list[tuple[int, Rows]] = []
        self.blocks = 0

    def take(self, start: int, block: Rows) -> None:
        """The next rows; `start` is how many came before."""
        self.blocks += 1
        if self._full:
            self._look(numbered(start, block.rows))
        elif self.blocks <= BLOCKS:
            self._kept.append((start, block))
        else:
            if self.blocks == BLOCKS + 1:
                self._kept = self._random.sample(self._kept, DRAWN)
            place = self._random.randrange(self.blocks)
            if place < DRAWN:
                self._kept[place] = (start, block)

    @property
    def whole(self) -> bool:
        """Whether every row is looked at."""
        return self._full or self.blocks <= BLOCKS

    def finish(self) -> None:
        """Look at what was kept, in file order."""
        for start, block in sorted(self._kept, key=lambda kept: kept[0]):
            self._look(numbered(start, block.rows))
        self._kept = []


def numbered(start: int, rows: list[Any]) -> Numbered:
    """Rows that are objects, with their numbers counted from 1."""
    values = (row.row if isinstance(row, Mended) else row for row in rows)
    return [(number, value) for number, value in enumerate(values, start + 1) if isinstance(value, dict)]
