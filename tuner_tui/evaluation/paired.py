"""Two methods are compared item by item: a difference counts only when chance alone would rarely make it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

import msgspec

from tuner_tui.evaluation.interval import bootstrap, mean

SHUFFLES = 2000
LEVEL = 0.05
LEAST = 6
"""Of fewer questions no outcome has a p below LEVEL: five that all fall to one side have 2 / 32."""
GAPS = (-1.0, 1.0)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Mean difference with its 95 % interval, and the probability of one as large if the two were the same."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def real(self) -> bool:
        """Whether the interval leaves zero out and the test agrees: of a few questions an interval says nothing."""
        return (self.low > 0 or self.high < 0) and self.p < LEVEL


def difference(
    left: Sequence[float], right: Sequence[float], *, seed: int = 0, scale: tuple[float, float] | None = GAPS
) -> Difference:
    """`left` minus `right`, paired: percentile bootstrap and the sign-flip permutation test (Fisher 1935).

    `scale` is where a difference can lie, None for losses.
    """
    gaps = [one - other for one, other in zip(left, right, strict=True)]
    low, high = bootstrap(gaps, seed=seed, scale=scale)
    return Difference(mean=mean(gaps), low=low, high=high, p=_chance(gaps, seed))


def _chance(gaps: Sequence[float], seed: int) -> float:
    """How often signs by chance give a sum as large: every way to set them where these are few, else SHUFFLES draws."""
    moving, draw = [gap for gap in gaps if gap], random.Random(seed)
    seen = abs(sum(moving)) - 1e-12
    if 2 ** len(moving) <= SHUFFLES:
        ways = [abs(sum(signed)) >= seen for signed in product(*((gap, -gap) for gap in moving))]
        return sum(ways) / len(ways)
    flips = sum(abs(sum(gap if draw.random() < 0.5 else -gap for gap in moving)) >= seen for _ in range(SHUFFLES))
    # One is added on both sides, or a p of exactly 0 would be claimed (Phipson & Smyth 2010).
    return (flips + 1) / (SHUFFLES + 1)
