"""The figures beside the deciding metric, and the cap on what an endpoint may cost."""

from pathlib import Path

import pytest
from test_evaluation_endpoint import ASKED, Server, endpoint, server  # noqa: F401

import tuner_tui.words  # noqa: F401  errors speak its words
from advisor.errors import InputError
from tuner_tui.evaluation.also import also, macro_f1
from tuner_tui.evaluation.endpoint import Rates
from tuner_tui.evaluation.scorers import rouge_l


def test_right_answers_are_one_by_every_figure() -> None:
    found = also(["the sea is blue"] * 2, ["the sea is blue"] * 2)
    assert found == dict.fromkeys(("exact_match", "token_f1", "rouge_l", "chrf", "bleu"), 1.0)


def test_rouge_counts_order_and_token_f1_does_not() -> None:
    found = also(["c b a"], ["a b c"])
    assert (found["token_f1"], found["rouge_l"]) == (1.0, pytest.approx(1 / 3, abs=1e-4))
    assert rouge_l("솔바람은 황동", "솔바람 황동") == pytest.approx(10 / 11)


def test_labels_get_macro_f1_and_json_its_validity_and_prose_neither() -> None:
    assert macro_f1(["a", "b", "a", "c"], ["a", "b", "b", "a"]) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert "macro_f1" in also(["yes", "no", "yes", "no"], ["yes", "no", "no", "yes"])
    assert also(['{"a": 1}', "{"], ['{"a": 1}', "{}"])["json_valid"] == 0.5
    assert not {"macro_f1", "json_valid"} & also(["x"], ["Some sentence."]).keys()


def test_a_request_that_could_pass_the_cap_is_not_sent(server: Server) -> None:  # noqa: F811
    server.plan = ["good"] * 9
    client = endpoint(server, rates=Rates(asked=1.0, answered=1.0, cap=250e-6))
    questions = [[{"role": "user", "content": f"hi {number}"}] for number in range(9)]
    with pytest.raises(InputError) as error:
        [client.answer(turns, max_tokens=4) for turns in questions]
    assert "cap" in error.value.text("en")
    assert 0 < len(server.seen) < 4
    assert client.spent <= 250e-6


def test_time_and_tokens_of_a_kept_answer_are_kept_too(server: Server, tmp_path: Path) -> None:  # noqa: F811
    server.plan = ["good"]
    first = endpoint(server, cache=tmp_path / "kept.jsonl").answered(ASKED, max_tokens=4)
    assert endpoint(server, cache=tmp_path / "kept.jsonl").answered(ASKED, max_tokens=4) == first
    assert first.seconds > 0
