"""Plan: ordered steps that always begin with a measurement and always say when to stop."""

from __future__ import annotations

from collections.abc import Iterator

from advisor.case import Case, some
from advisor.facts import Access, Goal, Tried
from advisor.methods import Approach, Label, Objective
from advisor.words import Words

_ROWS = {
    Objective.CPT: "corpus",
    Objective.DPO: "preferences",
    Objective.ORPO: "preferences",
    Objective.KTO: "feedback",
    Objective.RLHF_PPO: "preferences",
    Objective.GRPO: "checks",
    Objective.DISTILL: "teacher",
    Objective.REFUSAL: "refusal",
}


def steps(case: Case, label: Label, say: Words) -> list[str]:
    """What to do, in order: evaluation set, baseline, data work, method, evaluation, stop or deploy."""
    return [say.say(f"plan.{key}", **params) for key, params in _keys(case, label, say)]


def _keys(case: Case, label: Label, say: Words) -> Iterator[tuple[str, dict[str, str]]]:
    yield "eval_set", {}
    measured = case.prompting not in (None, Tried.UNTRIED)
    yield ("baseline_known" if measured else "baseline"), {}
    if Goal.FORMAT in case.goals:
        yield "constrain", {}
    if case.pastes:
        yield "paste", {}
    if label.approach in (Approach.RAG, Approach.RAG_FT):
        yield ("index" if case.documents else "collect_documents"), {}
    if label.approach == Approach.FEW_SHOT:
        yield ("examples" if some(case.pairs) else "write_examples"), {}
    if label.tunes:
        yield from _training(case, label, say)
    yield from _ending(case, label)


def _training(case: Case, label: Label, say: Words) -> Iterator[tuple[str, dict[str, str]]]:
    kinds: list[str] = []
    for objective in label.objectives:
        kind = _ROWS.get(objective, "pairs")
        if kind not in kinds:
            kinds.append(kind)
    for kind in kinds:
        yield f"data_{kind}", {}
    if label.approach == Approach.RAG_FT:
        yield "data_passages", {}
    technique = say.say(f"technique.{label.technique}")
    where = "hosted" if case.access == Access.API_FT else "rehearse"
    yield where, {}
    for number, stage in enumerate(label.stages, 1):
        names = " + ".join(say.say(f"objective.{objective}") for objective in stage)
        key = "train" if len(label.stages) == 1 else "stage"
        yield key, {"number": str(number), "objective": names, "technique": technique}


def _ending(case: Case, label: Label) -> Iterator[tuple[str, dict[str, str]]]:
    yield ("compare_tuned" if label.tunes else "compare"), {}
    if label.tunes:
        yield ("safety" if Goal.REFUSAL not in case.goals else "safety_refusal"), {}
        yield "deploy_tuned", {}
    else:
        yield "deploy", {}
