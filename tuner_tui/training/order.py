"""Rows of like length share a batch, in an order that seed and epoch alone decide: a resumed run goes on in it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from torch.utils.data import Sampler

POOL_BATCHES = 8


class Grouped(Sampler[int]):  # type: ignore[misc]  # torch is untyped here
    """Row numbers of one epoch: random pools of POOL_BATCHES batches, each sorted by length and cut into batches.

    The batches of all pools are shuffled, so that long rows do not come together; a last, incomplete one comes last.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self._lengths, self._batch, self._seed = lengths, batch, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader at the beginning of an epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        chance = random.Random(f"{self._seed}:{self._epoch}")
        rows = chance.sample(range(len(self._lengths)), len(self._lengths))
        pool = self._batch * POOL_BATCHES
        batches: list[list[int]] = []
        for start in range(0, len(rows), pool):
            near = sorted(rows[start : start + pool], key=lambda row: (self._lengths[row], row))
            batches += [near[at : at + self._batch] for at in range(0, len(near), self._batch)]
        whole = [batch for batch in batches if len(batch) == self._batch]
        rest = [row for batch in batches if len(batch) < self._batch for row in batch]
        chance.shuffle(whole)
        yield from (row for batch in (*whole, rest) for row in batch)
