"""Two methods are compared item by item: a difference counts only when chance alone would rarely make it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from tuner_tui.evaluation.interval import bootstrap, mean

SHUFFLES = 2000


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Mean difference with its 95 % interval, and the probability of one as large if the two were the same."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def real(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def difference(left: Sequence[float], right: Sequence[float], *, seed: int = 0) -> Difference:
    """`left` minus `right`, paired: percentile bootstrap and the sign-flip permutation test (Fisher 1935)."""
    gaps = [one - other for one, other in zip(left, right, strict=True)]
    low, high = bootstrap(gaps, seed=seed)
    seen, draw = abs(sum(gaps)), random.Random(seed)
    moving = [gap for gap in gaps if gap]
    flips = sum(
        abs(sum(gap if draw.random() < 0.5 else -gap for gap in moving)) >= seen - 1e-12 for _ in range(SHUFFLES)
    )
    # One is added on both sides, or a p of exactly 0 would be claimed (Phipson & Smyth 2010).
    return Difference(mean=mean(gaps), low=low, high=high, p=(flips + 1) / (SHUFFLES + 1))
