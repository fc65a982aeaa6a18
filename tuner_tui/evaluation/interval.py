"""A score is never shown without how far chance alone could have moved it."""

from __future__ import annotations

import random
from collections.abc import Sequence

RESAMPLES = 1000
UNIT = (0.0, 1.0)
"""Where scores lie."""


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value."""
    return sum(values) / len(values)


def weighted(pairs: Sequence[tuple[float, float]]) -> float:
    """The mean of at least one (value, weight), of which one weight is above 0."""
    return sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)


def bootstrap(
    values: Sequence[float],
    *,
    weights: Sequence[float] | None = None,
    seed: int = 0,
    level: float = 0.95,
    scale: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron 1979), seeded: the same values give the same interval.

    `weights`, all above 0, make it the interval of the weighted mean: whole items are drawn with theirs.

    Values that are all alike draw nothing else. Where they lie on a `scale`, the interval is then what so few of them
    leave possible (Clopper & Pearson 1934, none or all of n): 1 of 1 right is 0.025 to 1, 100 of 100 is 0.964 to 1.
    """
    tail = (1 - level) / 2
    if not values:
        return 0.0, 0.0
    if min(values) == max(values):
        open_ = 1 - tail ** (1 / len(values)) if scale else 0.0
        low, high = scale or (values[0], values[0])
        return values[0] - open_ * (values[0] - low), values[0] + open_ * (high - values[0])
    draw = random.Random(seed)
    pairs = list(zip(values, weights or [1.0] * len(values), strict=True))
    means = sorted(weighted(draw.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES))
    return means[int(tail * RESAMPLES)], means[min(int((1 - tail) * RESAMPLES), RESAMPLES - 1)]
