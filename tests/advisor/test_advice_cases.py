"""Published situations: the advice is among the answers that the record supports, and warns of what went wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.advice import Verdict
from advisor.candidates import LABELS, NAMES
from advisor.engine import recommend
from advisor.facts import Facts, facts_from
from advisor.methods import parse_label

DOCUMENT = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = DOCUMENT["cases"]


def facts_of(case: dict[str, Any]) -> Facts:
    """The case's facts over the usual ones; `gpus: 2x24` means two cards of 24 GB."""
    facts: dict[str, Any] = {section: dict(values) for section, values in DOCUMENT["usual"].items()}
    for key, value in case["facts"].items():
        if key == "gpus":
            count, _, size = str(value).partition("x")
            gpus = [] if value == "none" else [{"vram_gb": float(size)}] * int(count)
            facts["hardware"] = {"gpus": gpus}
        elif isinstance(value, dict):
            facts.setdefault(key, {}).update(value)
        else:
            facts[key] = value
    return facts_from(facts, case["id"])


def matches(label: str, pattern: str) -> bool:
    """`ft/*` = any fine-tuning; `ft/sft:*` = that plan by any technique."""
    if pattern.endswith("/*"):
        return label.startswith(pattern[:-1])
    if pattern.endswith(":*"):
        return label.rpartition(":")[0] == pattern[:-2]
    return label == pattern


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_advice_is_what_the_record_supports(case: dict[str, Any]) -> None:
    advice = recommend(facts_of(case), flips=False)
    assert any(matches(advice.label, pattern) for pattern in case["ok"]), advice.label
    assert not any(matches(advice.label, pattern) for pattern in case["bad"]), advice.label
    assert set(case.get("warn", [])) <= {caution.id for caution in advice.warnings}


def test_every_approach_objective_and_technique_is_the_answer_in_some_case_and_ruled_out_in_another() -> None:
    every = {part for label in LABELS for part in parts(str(label))}
    answers, vetoed, possible = set[str](), set[str](), set[str]()
    for case in CASES:
        won, *others = recommend(facts_of(case), flips=False).ranking
        answers |= parts(won.label)
        for row in others:
            (vetoed if row.verdict == Verdict.VETOED else possible).update([row.label])
    assert answers == every
    assert vetoed == set(NAMES)
    assert {part for label in possible for part in parts(label)} == every


def parts(label: str) -> set[str]:
    """What a label is made of: approach, each objective, technique."""
    plan = parse_label(label)
    technique = [plan.technique.value] if plan.technique else []
    return {plan.approach.value, *(objective.value for stage in plan.stages for objective in stage), *technique}


def test_more_memory_turns_four_bits_into_sixteen() -> None:
    case = next(case for case in CASES if case["id"] == "guanaco_65b_48gb")
    flips = recommend(facts_of(case)).flips
    assert any(flip.fact == "hardware.gpus" and flip.label.endswith(":lora") for flip in flips)


def test_without_a_measured_baseline_tuning_is_provisional() -> None:
    case = next(case for case in CASES if case["id"] == "alpaca")
    advice = recommend(facts_of(case))
    assert "no_baseline" in {caution.id for caution in advice.warnings}
    assert any("baseline" in step for step in advice.plan[:2])


def test_knowing_nothing_asks_for_the_goal_and_is_not_confident() -> None:
    advice = recommend(Facts())
    assert advice.technique is None
    assert advice.confidence <= 0.3
    assert advice.warnings[0].id == "not_enough_known"


def test_the_first_goal_weighs_most() -> None:
    def label(goals: list[str]) -> str:
        facts = {
            "goals": goals,
            "knowledge": {"changes": "slow", "fits_in_context": False, "needs_citations": False},
            "data": {"documents": 500, "instruction_pairs": 3000},
            "model": {"params_b": 8, "access": "open", "kind": "instruct"},
            "hardware": {"gpus": [{"vram_gb": 24}]},
        }
        return recommend(facts_from(facts, "test"), flips=False).label

    assert label(["inject_facts", "style"]) == "rag"
    assert label(["style", "inject_facts"]).startswith("rag_ft/")


def test_hardly_anything_known_asks_for_documents_first_and_is_at_most_half_sure() -> None:
    advice = recommend(facts_from({"goals": ["inject_facts", "domain_language"], "data": {"documents": 0}}, "test"))
    assert advice.confidence <= 0.5
    assert advice.warnings[0].id == "not_enough_known"
    assert "documents" in advice.warnings[0].text
    assert all(reason.rule != "REA009" for reason in advice.reasons)
