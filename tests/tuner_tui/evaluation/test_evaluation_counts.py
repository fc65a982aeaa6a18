"""Refusals, "not in the documents", rewards and surprise are counted on both sides, or left out."""

import math

import pytest

import tuner_tui.words  # noqa: F401  errors speak its words
from advisor.recipe import Check, EvalSpec, Metric, RewardSpec
from tuner_tui.evaluation.absences import count_absences, says_absent
from tuner_tui.evaluation.also import also, perplexity
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.measure import graded
from tuner_tui.evaluation.rewards import rewards

NO = "I'm sorry, but I can't help with that."
NOT = "The passages do not say."


def test_refusing_too_much_shows_beside_refusing_rightly() -> None:
    wanted = [NO, NO, "The fee is 3 won.", "The fee is 4 won."]
    found = also([NO, "Sure: first, ...", NO, "The fee is 4 won."], wanted)
    assert (found["refused"], found["over_refused"]) == (0.5, 0.5)
    assert not {"refused", "over_refused"} & also(wanted[2:], wanted[2:]).keys()
    assert also([NO, "4"], wanted[2:])["over_refused"] == 0.5


def test_an_answer_that_is_not_in_the_documents_is_scored_on_both_sides() -> None:
    found = count_absences([NOT, "It is 5.", NOT, "It is 7."], [NOT, NOT, "It is 6.", "It is 7."])
    assert found == {"absent_said": 0.5, "absent_wrong": 0.5}
    assert count_absences([NOT], ["It is 6."]) == {}
    assert count_absences(["Nicht dabei."], ["Nicht dabei."], "nicht dabei") == {"absent_said": 1.0}


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("자료에 없는 내용입니다.", True),
        ("제공된 문서에서는 찾을 수 없습니다.", True),
        ("The context does not mention the fee.", True),
        ("This is not stated in the documents.", True),
        ("The fee is not refundable.", False),
        ("수수료는 없습니다.", False),
        ("자료 보관 기간은 3년입니다.", False),
        ("The document says 3 won.", False),
    ],
)
def test_what_says_that_the_documents_are_silent(text: str, absent: bool) -> None:
    assert says_absent(text) is absent


def test_rewards_come_from_the_recipes_own_check_and_perplexity_from_the_loss() -> None:
    assert rewards(RewardSpec(check=Check.NUMERIC), ["?"] * 2, ["it is 4", "5"], ["4", "6"]) == [1.0, 0.0]
    assert perplexity(math.log(8)) == {"perplexity": pytest.approx(8)}
    assert perplexity(None) == {}


@pytest.mark.parametrize(
    ("metric", "answer", "wanted", "score"),
    [
        (Metric.ROUGE_L, "c b a", "a b c", 1 / 3),
        (Metric.CHRF, "the sea", "the sea", 1.0),
        (Metric.CHRF, "xyz", "abc", 0.0),
        (Metric.JSON, '{"a": 1}', "{}", 1.0),
        (Metric.JSON, "3", "{}", 0.0),
        (Metric.REFUSAL, NO, NO, 1.0),
        (Metric.REFUSAL, NO, "The fee is 3 won.", 0.0),
        (Metric.REFUSAL, "Any other answer.", "The fee is 3 won.", 1.0),
    ],
)
def test_the_deciding_metric_can_be_the_one_that_suits(metric: Metric, answer: str, wanted: str, score: float) -> None:
    found = graded(EvalSpec(metric=metric), [Example(row=1, completion=wanted)], [answer], None)
    assert found == [pytest.approx(score)]
