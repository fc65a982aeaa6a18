"""What a coach may look at: numbers that a run has told so far, without knowing how they were told."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

Point = tuple[float, float | None]
Points = tuple[Point, ...]

WINDOWS = 10
LEAST = 5
NEIGHBOURS = 0.954
"""Of normal noise: |a - b| has a median of 0.954 sigma."""
MEAN_NEIGHBOURS, JUMPS = 1.128, 20
"""Its mean is 1.128 sigma; one difference and a twentieth of them may be a jump of the level, not noise."""
STRAYS = 5.0
"""Medians that differ by so many strays do not by chance."""
STRAY = 1.253
"""Of normal noise: the median of n values has a standard error of 1.253 sigma / sqrt(n)."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One sample answer. `ended`: whether the model closed it itself; None = not told."""

    step: int
    text: str
    reference: str | None = None
    ended: bool | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of one device while training: unix seconds, percent, degrees, bytes. None = not known."""

    at: float
    device: str | None = None
    source: str | None = None
    util_pct: float | None = None
    temp_c: float | None = None
    held_bytes: float | None = None
    total_bytes: float | None = None


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """A run so far. Series are `(step, value)`; a value that was not finite is None. Seconds, bytes.

    `score_*` are the ends (low, high) of the held-out score, where higher is better; `wanted_*` the loss of the
    held-out answers; `extras` what only the method reports (`rewards_margin`, `kl`, ...); `waits` the part of `step_s`
    that went by until the step's rows were there.
    """

    step: int = 0
    total: int | None = None
    objective: str | None = None
    technique: str | None = None
    parameters: int | None = None
    optimizer: str | None = None
    exit_reason: str | None = None
    losses: Points = ()
    eval_losses: Points = ()
    rates: Points = ()
    grad_norms: Points = ()
    extras: Mapping[str, Points] = {}
    step_s: Points = ()
    waits: Points = ()
    answers: tuple[Answer, ...] = ()
    score_before: tuple[float, float] | None = None
    score_after: tuple[float, float] | None = None
    wanted_before: float | None = None
    wanted_after: float | None = None
    loads: tuple[Load, ...] = ()
    free_disk: Points = ()
    checkpoint_bytes: float | None = None
    elapsed_s: float | None = None
    eta_s: float | None = None
    deadline_s: float | None = None

    @property
    def done(self) -> float | None:
        """The share of the planned steps that is done, 0..1."""
        return self.step / self.total if self.total else None

    @property
    def online(self) -> bool:
        """Whether it learns from rewards of its own answers: then the loss hovers around zero and tells nothing."""
        return bool(self.extra("reward", "rewards_mean", "objective_rlhf_reward", "objective_scores"))

    def extra(self, *names: str) -> Points:
        """The first of these series that the method reports."""
        return next((self.extras[name] for name in names if self.extras.get(name)), ())


def values(points: Sequence[Point]) -> list[float]:
    """The finite values, in order."""
    return [value for _, value in points if value is not None]


class Course(msgspec.Struct, frozen=True):
    """A noisy series told by the medians of equal windows, with how far a median may stray by chance."""

    medians: tuple[float, ...]
    ends: tuple[float, ...]
    stray: float

    @property
    def first(self) -> float:
        """The first window's median."""
        return self.medians[0]

    @property
    def last(self) -> float:
        """The last window's median."""
        return self.medians[-1]

    @property
    def best(self) -> float:
        """The lowest median."""
        return min(self.medians)

    @property
    def best_at(self) -> float:
        """The step at which the lowest window ended."""
        return self.ends[self.medians.index(self.best)]


def course(points: Sequence[Point], windows: int = WINDOWS) -> Course | None:
    """The course of a series; None when there are too few finite points to tell noise from trend.

    The noise of one point is told by the absolute differences of neighbours (`noise`); a median of n points strays by
    about STRAY sigma / sqrt(n).
    """
    finite = [(step, value) for step, value in points if value is not None]
    size = max(LEAST, len(finite) // windows)
    count = len(finite) // size
    if count < 2:
        return None
    finite = finite[len(finite) - count * size :]
    parts = [finite[at * size : (at + 1) * size] for at in range(count)]
    medians = tuple(statistics.median(value for _, value in part) for part in parts)
    stray = STRAY * noise([value for _, value in finite]) / size**0.5
    return Course(medians, tuple(part[-1][0] for part in parts), stray)


def noise(found: Sequence[float]) -> float:
    """How much one value strays by chance, whatever the trend; 0 for a single value.

    Small batches of unlike rows jump between levels: there the mean of the differences tells, without the largest.
    """
    steps = sorted(abs(after - before) for before, after in pairwise(found))
    if not steps:
        return 0.0
    usual = steps[: max(len(steps) - len(steps) // JUMPS - 1, 1)]
    return max(statistics.median(steps) / NEIGHBOURS, sum(step / len(usual) for step in usual) / MEAN_NEIGHBOURS)


def most_gained(before: Sequence[float], after: Sequence[float]) -> float:
    """By how much the level may have fallen from `before` to `after`, at most: the fall seen and twice its error."""
    error = STRAY * noise([*before, *after]) * (1 / len(before) + 1 / len(after)) ** 0.5
    return float(statistics.median(before) - statistics.median(after) + 2 * error)
