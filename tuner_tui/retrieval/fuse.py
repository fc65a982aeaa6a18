"""Two rankings become one by rank alone, because their scores have no common measure."""

from __future__ import annotations

from collections.abc import Sequence

RANK = 60


def fused(rankings: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[int, float]]:
    """Numbers by the sum of 1 / (60 + rank), best first (reciprocal rank fusion: Cormack, Clarke & Buettcher 2009)."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, (at, _) in enumerate(ranking, start=1):
            scores[at] = scores.get(at, 0.0) + 1 / (RANK + rank)
    return sorted(scores.items(), key=lambda found: (-found[1], found[0]))
