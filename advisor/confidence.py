"""Confidence: an estimated chance of being right, from the margin over the next other plan and from what is unknown.

Calibrated on the 34 development cases: each was asked 60 times with none to seven tenths of its facts hidden, and a
logistic curve in the margin (to 40 points) and in the weight of what is unknown was fitted to whether the answer was
still acceptable. By tenth of confidence, from 0.6 up, the mean and the share right then lie within 0.03 of each other:
answers said at 0.75 were right in 0.73, at 0.85 in 0.85. `tests/bench/calibrate_confidence.py` repeats it.
The rules were written with these cases at hand, so the curve is cut at 0.92: 34 right of 34 prove no more than that
(0.05 ** (1 / 34)). Where so little is known that the advice asks before it answers, it is cut at a half; without a
goal, near a guess.
"""

from __future__ import annotations

from math import exp

from advisor.candidates import LABELS
from advisor.case import Case, some
from advisor.facts import BaseSuccess, Tried
from advisor.methods import Approach, Label, Objective
from advisor.tally import Tally

BASE, PER_POINT, PER_UNKNOWN = 1.47, 0.051, 0.36
LEAST, MOST, ASKING, WITHOUT_GOAL = 0.05, 0.92, 0.5, 0.3
TOO_MUCH = 5.0
"""Weight of unknown facts from which the advice asks first."""

_ONE_KIND = {Objective.STYLE: Objective.SFT, Objective.DOMAIN_QA: Objective.SFT}
"""Kinds of supervised training whose difference is in data checks and scoring, not in what is done."""
_UNMEASURED = (None, Tried.UNTRIED)


def of(case: Case, result: Tally) -> float:
    """Between 0.05 and 0.92, two decimals."""
    weight = unknowns(case, LABELS[result.winner])
    score = BASE + PER_POINT * min(margin(result), 40) - PER_UNKNOWN * weight
    most = WITHOUT_GOAL if not case.goals else ASKING if weight >= TOO_MUCH else MOST
    return round(min(max(1 / (1 + exp(-score)), LEAST), most), 2)


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
    return sum(weight for _, weight in unknown_facts(case, label))


def unknown_facts(case: Case, label: Label) -> list[tuple[str, float]]:
    """The facts that bear on this answer and are not known, each with its weight, the weightiest first."""
    found: dict[str, float] = {}
    for path, unknown, weight in (*_of_all(case), *_of_looking_up(case, label), *_of_training(case, label)):
        if unknown:
            found[path] = found.get(path, 0.0) + weight
    return sorted(found.items(), key=lambda pair: -pair[1])


_Weighed = tuple[str, bool, float]


def _of_all(case: Case) -> tuple[_Weighed, ...]:
    return (
        ("goals", not case.goals, 3.0),
        ("history.prompting", case.prompting in _UNMEASURED, 1.0),
        ("model.access", case.access is None, 1.0),
        ("model.kind", case.kind is None, 0.5),
    )


def _of_looking_up(case: Case, label: Label) -> tuple[_Weighed, ...]:
    knowledge, retrieves = case.knowledge, label.approach in (Approach.RAG, Approach.RAG_FT)
    gap = case.knowledge_gap
    return (
        ("data.documents", retrieves and not case.documents, 2.0),
        ("knowledge.fits_in_context", gap and knowledge.fits_in_context is None, 1.0),
        ("knowledge.changes", gap and knowledge.changes is None and not case.fast, 0.5),
        ("knowledge.needs_citations", gap and knowledge.needs_citations is None, 0.5),
        ("history.rag", retrieves and case.rag in _UNMEASURED, 0.5),
    )


def _of_training(case: Case, label: Label) -> tuple[_Weighed, ...]:
    if not label.tunes:
        return ()
    kinds = label.objectives
    return (
        ("model.params_b", case.local and case.params_b is None, 1.0),
        ("hardware.gpus", case.local and case.gpus is None, 1.0),
        ("data.instruction_pairs", case.pairs is None and Objective.SFT in kinds, 0.5),
        ("data.preference_pairs", case.prefs is None and Objective.DPO in kinds, 0.5),
        ("knowledge.corpus_tokens", case.corpus_tokens is None and Objective.CPT in kinds, 1.0),
        ("history.rag", Objective.CPT in kinds and case.rag != Tried.INSUFFICIENT, 1.0),
        ("history.base_success", Objective.GRPO in kinds and case.base_success is None, 1.0),
        ("history.base_success", Objective.GRPO in kinds and case.base_success == BaseSuccess.ZERO, 0.5),
        ("history.teacher", Objective.DISTILL in kinds and case.teacher is None, 1.0),
        ("data.unlabeled_inputs", Objective.DISTILL in kinds and not some(case.unlabeled), 0.5),
    )
