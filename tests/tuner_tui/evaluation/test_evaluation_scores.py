"""Scores, intervals, rewards and verdicts say what the numbers say and no more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import structs

from advisor.engine import recommend
from advisor.errors import InputError
from advisor.facts import Data, Facts, Goal
from advisor.recipe import Check, RewardSpec, recipe_from
from tests.tuner_tui.measurements import lane
from tuner_tui.bakeoff import with_history
from tuner_tui.commands.compare import keep_facts
from tuner_tui.evaluation.bakeoff import Compared, Measurement
from tuner_tui.evaluation.interval import UNIT, bootstrap
from tuner_tui.evaluation.lanes import Lane
from tuner_tui.evaluation.outcome import document, next_step, verdict
from tuner_tui.evaluation.paired import difference
from tuner_tui.evaluation.rewards import judge_of, number_in
from tuner_tui.evaluation.scorers import exact_match, token_f1
from tuner_tui.retrieval.score import Retrieved
from tuner_tui.words import words


def narrow(label: Lane, score: float) -> Measurement:
    """A lane whose interval is narrow."""
    return structs.replace(lane(label, [score] * 40), low=score - 0.05, high=score + 0.05)


def judged(*lanes: Measurement, advised: str | None = None):  # type: ignore[no-untyped-def]
    items = len(lanes[0].values)
    found = Compared(questions=["q"] * items, references=["r"] * items, lanes=list(lanes), retrieval=None)
    return (found, *verdict(found, goal=0.9, advised=advised, say=words("en").say))


def test_of_lanes_that_do_not_differ_the_cheapest_is_taken() -> None:
    few, rag = lane(Lane.FEW_SHOT, [1.0] * 49 + [0.0]), lane(Lane.RAG, [0.0] + [1.0] * 49)
    assert judged(rag, few)[1].label is Lane.FEW_SHOT


def test_a_real_difference_overturns_the_advice() -> None:
    _, found, gaps = judged(lane(Lane.ZERO_SHOT, [0.0] * 50), lane(Lane.RAG, [1.0] * 50), advised="zero_shot")
    assert (found.label, found.goal_met, found.agrees_with_advice) == (Lane.RAG, True, False)
    assert gaps["zero_shot"]["p"] < 0.01
    assert "overturns" in found.text


def test_when_every_lane_fails_alike_nothing_is_confirmed_or_overturned() -> None:
    _, found, _ = judged(lane(Lane.ZERO_SHOT, [0.0] * 20), lane(Lane.FT, [0.0] * 20), advised="ft")
    assert (found.goal_met, found.agrees_with_advice) == (False, None)


def test_lanes_that_do_not_differ_are_said_not_to_and_the_simplest_is_taken() -> None:
    same = [1.0, 0.0] * 20
    _, found, _ = judged(lane(Lane.ZERO_SHOT, same), lane(Lane.RAG, same), lane(Lane.FT, same[::-1]))
    assert found.label is Lane.ZERO_SHOT
    assert "no real difference between" in found.text


@pytest.mark.parametrize(
    ("lanes", "retrieval", "step"),
    [
        ([lane(Lane.ZERO_SHOT, [1.0] * 40)], None, "keep_prompt"),
        ([lane(Lane.ZERO_SHOT, [0.0] * 40), lane(Lane.RAG, [1.0] * 40)], None, "keep_documents"),
        ([lane(Lane.ZERO_SHOT, [0.0] * 40), lane(Lane.FT, [1.0] * 40)], None, "keep_tuned"),
        ([narrow(Lane.ZERO_SHOT, 0.2)], None, "tune_or_documents"),
        ([narrow(Lane.ZERO_SHOT, 0.1), narrow(Lane.FT, 0.5)], None, "documents"),
        ([narrow(Lane.RAG, 0.3)], 0.4, "better_retrieval"),
        ([narrow(Lane.RAG, 0.3)], 0.99, "both"),
        ([narrow(Lane.RAG_FT, 0.6)], 0.99, "data_or_model"),
        ([lane(Lane.ZERO_SHOT, [1.0, 1.0, 1.0, 0.0])], None, "more_questions"),
    ],
)
def test_what_to_do_next_follows_from_the_table(lanes: list[Measurement], retrieval: float | None, step: str) -> None:
    found, verdict_, _ = judged(*lanes)
    if retrieval is not None:
        scored = Retrieved(items=9, recall={"3": retrieval}, mrr=0.5, chunks=9, retriever="bm25", by={})
        found = structs.replace(found, retrieval=scored)
    chosen = next(each for each in lanes if each.label is verdict_.label)
    assert next_step(found, chosen, met=verdict_.goal_met, goal=0.9) == step
    assert words("ko").say(f"compare.next.{step}")


def test_what_was_measured_changes_the_advice() -> None:
    facts = Facts(goals=[Goal.STYLE], data=Data(instruction_pairs=3000))
    tried = with_history(facts, {"prompting": "works"})
    assert str(recommend(tried).approach) in ("zero_shot", "few_shot")
    failed = with_history(facts, {"prompting": "insufficient"})
    assert str(recommend(failed).approach) == "ft"


def test_the_measured_history_reaches_tuner_advise_through_its_facts_file(tmp_path: Path) -> None:
    facts = Facts(goals=[Goal.STYLE], data=Data(instruction_pairs=3000))
    raw = {"label": "ft/style:lora", "model": {"id": "m"}, "data": {"train": "t"}}
    recipe = structs.replace(recipe_from(raw, "r"), facts=facts)
    found = {}
    for measured in ("works", "insufficient"):
        keep_facts(recipe, {"history": {"prompting": measured}}, tmp_path / "facts.json")
        command = [sys.executable, "-m", "tuner_tui", "advise", "--facts", str(tmp_path / "facts.json"), "--json"]
        found[measured] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["works"]["approach"] in ("zero_shot", "few_shot")
    assert found["insufficient"]["approach"] == "ft"


def test_the_document_holds_the_contracts_keys() -> None:
    printed = document(*judged(lane(Lane.ZERO_SHOT, [1.0, 0.0] * 3)), 0.9)
    assert printed["history"] == {"prompting": "insufficient"}
    assert document(*judged(lane(Lane.ZERO_SHOT, [1.0, 0.0])), 0.9)["history"] == {}
    assert set(printed["lanes"][0]) >= {
        "label", "metric", "score", "low", "high", "latency_ms", "tokens_per_request", "cost_per_1k", "peak_gb",
    }  # fmt: skip
    assert set(printed["verdict"]) == {"label", "goal_met", "agrees_with_advice", "text"}


def test_no_difference_has_a_p_of_one_and_an_interval_around_zero() -> None:
    same = difference([1.0, 0.0, 1.0], [1.0, 0.0, 1.0])
    assert (same.mean, same.p, same.real) == (0.0, 1.0, False)
    assert same.low == pytest.approx(-same.high) == pytest.approx(0.025 ** (1 / 3) - 1)


@pytest.mark.parametrize(("items", "real"), [(1, False), (2, False), (5, False), (6, True), (40, True)])
def test_a_difference_of_so_few_questions_that_chance_makes_it_is_none(items: int, real: bool) -> None:
    found = difference([1.0] * items, [0.0] * items)
    assert found.p == pytest.approx(2 / 2**items if items < 10 else 1 / 2001)
    assert found.real is real


def test_a_score_of_all_or_nothing_has_the_interval_that_so_few_questions_leave() -> None:
    binomial = {(1, 0): 0.975, (5, 0): 0.5218, (90, 0): 0.0402}  # Clopper & Pearson's upper ends
    for (items, right), high in binomial.items():
        assert bootstrap([float(right)] * items, scale=UNIT) == (0.0, pytest.approx(high, abs=1e-4))
    assert bootstrap([1.0] * 5, scale=UNIT) == (pytest.approx(1 - 0.5218, abs=1e-4), 1.0)
    assert bootstrap([2.5, 2.5]) == (2.5, 2.5)


def test_a_loss_counts_tokens_and_so_does_its_interval() -> None:
    losses, tokens = [3.0] * 10 + [0.1] * 10, [1.0] * 10 + [30.0] * 10
    low, high = bootstrap(losses, weights=tokens)
    assert low < sum(map(float.__mul__, losses, tokens)) / sum(tokens) < high < sum(losses) / len(losses)
    assert bootstrap(losses, weights=[1.0] * 20) == bootstrap(losses)


def test_too_few_questions_confirm_and_overturn_nothing() -> None:
    _, found, _ = judged(lane(Lane.ZERO_SHOT, [0.0] * 5), lane(Lane.RAG, [1.0] * 5), advised="zero_shot")
    assert (found.label, found.agrees_with_advice) == (Lane.RAG, None)
    assert "Too few questions (5)" in found.text
    assert found.text.endswith(words("en").say("compare.next.more_questions"))


def test_a_goal_that_chance_may_have_met_is_told_as_such() -> None:
    sure, lucky = lane(Lane.RAG, [1.0] * 200), lane(Lane.RAG, [1.0] * 19 + [0.0])
    told = {
        name: judged(structs.replace(each, low=low))[1].text
        for name, each, low in (("s", sure, 0.98), ("l", lucky, 0.85))
    }
    assert "Chance alone" in told["l"]
    assert "Chance alone" not in told["s"]


def test_where_only_another_lane_meets_the_goal_and_chance_may_be_why_more_questions_are_asked() -> None:
    few, rag = lane(Lane.FEW_SHOT, [1.0] * 34 + [0.0] * 6), lane(Lane.RAG, [1.0] * 37 + [0.0] * 3)
    _, found, _ = judged(structs.replace(few, high=0.89), rag)
    assert (found.label, found.goal_met) == (Lane.FEW_SHOT, False)
    assert found.text.endswith(words("en").say("compare.next.more_questions"))


@pytest.mark.parametrize(
    ("spec", "answer", "reference", "reward"),
    [
        (RewardSpec(), " 솔바람  ", "솔바람", 1.0),
        (RewardSpec(check=Check.NUMERIC), "so it is 12,300 won", "12300", 1.0),
        (RewardSpec(check=Check.NUMERIC), "no idea", "3", 0.0),
        (RewardSpec(check=Check.REGEX, pattern="^yes"), "no\nyes", "", 1.0),
        (RewardSpec(check=Check.JSON), '{"b": 1, "a": [2]}', '{"a":[2],"b":1}', 1.0),
        (RewardSpec(check=Check.JSON), '{"a":', '{"a":', 0.0),
    ],
)
def test_a_program_tells_a_right_answer(spec: RewardSpec, answer: str, reference: str, reward: float) -> None:
    assert judge_of(spec)(["?"], [answer], [reference]) == [reward]


def test_the_last_number_counts() -> None:
    assert number_in("3 of 4 make -1,234.5") == -1234.5


@pytest.mark.parametrize(
    "spec",
    [
        RewardSpec(check=Check.REGEX),
        RewardSpec(check=Check.REGEX, pattern="("),
        RewardSpec(check=Check.PYTHON, python="nowhere.py:f"),
    ],
)
def test_a_reward_that_cannot_be_computed_is_refused_before_anything_starts(spec: RewardSpec) -> None:
    with pytest.raises(InputError) as error:
        judge_of(spec)
    assert "reward." in error.value.text("en")


HOSTILE = """
import os, sys
def reward(prompt, answer, reference):
    print("noise on stdout")
    if answer == "hang":
        while True: pass
    if answer == "die":
        os._exit(3)
    if answer == "huge":
        return float(len(bytearray(1 << 33)))
    if answer == "secret":
        return 1.0 if "TUNER_SECRET" in os.environ else 0.0
    return 7 if answer == reference else 0.25
"""


def test_a_users_function_can_neither_hang_nor_kill_nor_see_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(HOSTILE)
    monkeypatch.setenv("TUNER_SECRET", "x")
    judge = judge_of(RewardSpec(check=Check.PYTHON, python=f"{tmp_path}/mine.py:reward", timeout_s=5.0))
    answers = ["right", "wrong", "die", "right", "huge", "secret", "hang", "right"]
    found = judge([""] * len(answers), answers, ["right"] * len(answers))
    judge.close()  # type: ignore[attr-defined]
    assert found == [1.0, 0.25, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    assert "TUNER_SECRET" in os.environ


def test_korean_counts_by_syllable_and_exactness_ignores_spacing_alone() -> None:
    assert token_f1("솔바람은 황동", "솔바람 황동") == pytest.approx(10 / 11)
    assert exact_match("A  b", "a b") == 1.0
    assert exact_match("ab", "a b") == 0.0
