"""The held-out questions of a run with what was answered before and after; a line that is damaged is passed over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from tuner_tui.runs.directory import RunDir

MOST = 5000
EVEN = 1e-9


class Change(StrEnum):
    """What became of one question; UNKNOWN where it was not scored by itself."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    UNKNOWN = "unknown"


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One question. Scores as the run's metric gives them; None = not answered, not scored."""

    prompt: str = ""
    reference: str = ""
    before: str | None = None
    after: str | None = None
    score_before: float | None = None
    score_after: float | None = None

    def change(self, lower_is_better: bool = False) -> Change:
        """Better, worse, or as it was."""
        if self.score_before is None or self.score_after is None:
            return Change.UNKNOWN
        gain = (self.score_after - self.score_before) * (-1 if lower_is_better else 1)
        return Change.SAME if abs(gain) <= EVEN else Change.BETTER if gain > 0 else Change.WORSE


class Tally(NamedTuple):
    """How many questions went which way, and how likely so uneven a split is by chance alone (None: no split)."""

    better: int
    worse: int
    same: int
    chance: float | None


def answers_of(run: RunDir) -> list[Answered]:
    """At most MOST questions in the order of the held-out rows; [] when the run kept none."""
    decode = msgspec.json.Decoder(Answered).decode
    found: list[Answered] = []
    try:
        with run.answers_path.open("rb") as file:
            for line in file:
                try:
                    found.append(decode(line))
                except (msgspec.DecodeError, ValueError):
                    continue
                if len(found) >= MOST:
                    break
    except OSError:
        return []
    return found


def tally(answered: Sequence[Answered], lower_is_better: bool = False) -> Tally | None:
    """Wins, losses and the rest; None when nothing was scored by itself."""
    changes = [each.change(lower_is_better) for each in answered]
    better, worse, same = (changes.count(kind) for kind in (Change.BETTER, Change.WORSE, Change.SAME))
    if not better + worse + same:
        return None
    return Tally(better, worse, same, sign_test(better, worse) if better + worse else None)


def sign_test(better: int, worse: int) -> float:
    """Two-sided exact sign test: the chance of a split at least this uneven when both ways are equally likely."""
    count, least = better + worse, min(better, worse)
    tail: int = sum(math.comb(count, k) for k in range(least + 1))
    return min(1.0, 2 * tail / (1 << count))
