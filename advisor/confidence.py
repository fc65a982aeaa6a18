"""Confidence: an estimated chance of being right, from the margin over the next other plan and from what is unknown.

Calibrated on the 34 development cases: each was asked 60 times with none to seven tenths of its facts hidden, and a
logistic curve in the margin (to 40 points) and in the weight of what is unknown was fitted to whether the answer was
still acceptable. By tenth of confidence, from 0.6 up, the mean and the share right then lie within 0.08 of each other:
answers said at 0.85 were right in 0.84, at 0.94 in 0.96. `tests/bench/calibrate_confidence.py` repeats it.
Without a goal it is capped near a guess.
"""

from __future__ import annotations

from math import exp

from advisor.candidates import LABELS
from advisor.case import Case
from advisor.facts import BaseSuccess, Tried
from advisor.methods import Label, Objective
from advisor.tally import Tally

BASE, PER_POINT, PER_UNKNOWN = 1.68, 0.053, 0.45
LEAST, MOST, WITHOUT_GOAL = 0.05, 0.97, 0.3

_ONE_KIND = {Objective.STYLE: Objective.SFT, Objective.DOMAIN_QA: Objective.SFT}
"""Kinds of supervised training whose difference is in data checks and scoring, not in what is done."""


def of(case: Case, result: Tally) -> float:
    """Between 0.05 and 0.97, two decimals."""
    label = LABELS[result.winner]
    score = BASE + PER_POINT * min(margin(result), 40) - PER_UNKNOWN * unknowns(case, label)
    chance = 1 / (1 + exp(-score))
    most = MOST if case.goals else WITHOUT_GOAL
    return round(min(max(chance, LEAST), most), 2)


def _plan(label: Label) -> object:
    stages = tuple(tuple(_ONE_KIND.get(objective, objective) for objective in stage) for stage in label.stages)
    return (label.approach, stages)


_PLANS = tuple(_plan(label) for label in LABELS)


def margin(result: Tally) -> int:
    """Points to the best candidate still open that does something else (another technique is not another plan)."""
    mine = _PLANS[result.winner]
    best = max(total for total, plan in zip(result.totals, _PLANS, strict=True) if plan != mine)
    return result.totals[result.winner] - best


def unknowns(case: Case, label: Label) -> float:
    """How much of what bears on this answer is not known."""
    weighed = [
        (case.access is None, 1.0),
        (case.prompting in (None, Tried.UNTRIED), 1.0),
        (not case.goals, 3.0),
    ]
    if label.tunes:
        weighed += [
            (case.local and case.params_b is None, 1.0),
            (case.local and case.gpus is None, 1.0),
            (case.kind is None, 0.5),
            (case.pairs is None and Objective.SFT in label.objectives, 0.5),
            (case.prefs is None and Objective.DPO in label.objectives, 0.5),
            (case.corpus_tokens is None and Objective.CPT in label.objectives, 1.0),
            (case.base_success is None and Objective.GRPO in label.objectives, 1.0),
            (case.base_success == BaseSuccess.ZERO and Objective.GRPO in label.objectives, 0.5),
        ]
    if label.approach in ("rag", "rag_ft"):
        weighed.append((case.rag in (None, Tried.UNTRIED), 0.5))
    return sum(weight for unknown, weight in weighed if unknown)
