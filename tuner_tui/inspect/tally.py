"""How often each length was met; values are gathered first and counted many at a time."""

from __future__ import annotations

from array import array
from collections import Counter

AT_ONCE = 1 << 16


class Tally:
    """Whole numbers and how often each was added."""

    def __init__(self) -> None:
        self._recent = array("q")
        self._counts: Counter[int] = Counter()

    def update(self, values: list[int]) -> None:
        """Count each of these."""
        self._recent.fromlist(values)
        if len(self._recent) > AT_ONCE:
            self._count()

    def add(self, value: int, times: int = 1) -> None:
        """Count one value."""
        self._counts[value] += times

    def take(self, counts: dict[int, int]) -> None:
        """Count what another one counted."""
        self._counts.update(counts)

    def counts(self) -> Counter[int]:
        """Each value with how often it came."""
        self._count()
        return self._counts

    def _count(self) -> None:
        import numpy

        values, times = numpy.unique(numpy.frombuffer(self._recent, dtype=numpy.int64), return_counts=True)
        for value, count in zip(values.tolist(), times.tolist(), strict=True):
            self._counts[value] += count
        self._recent = array("q")
