"""KTO is judged by whether liked answers rank above disliked ones, and compares rows with those of other prompts."""

from pathlib import Path

import little
import pytest

from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.likelihood import Likelihood
from tuner_tui.evaluation.measure import _ranked
from tuner_tui.export.pieces import feedback
from tuner_tui.training import formats
from tuner_tui.training.kto import shuffled


def row(number: int, *, liked: bool, prompt: str = "q") -> Example:
    return Example(row=number, prompt=prompt, completion="a", liked=liked)


def test_rows_sorted_by_verdict_do_not_make_batches_of_one_kind() -> None:
    rows = [row(at, liked=at < 32) for at in range(64)]
    mixed = shuffled(rows, seed=1)
    assert mixed == shuffled(rows, seed=1)
    assert sorted(each.row for each in mixed) == list(range(64))
    batches = [{each.liked for each in mixed[at : at + 16]} for at in range(0, 64, 16)]
    assert batches == [{True, False}] * 4


@pytest.mark.parametrize(
    ("prompts", "scores", "wanted"),
    [
        ("abcd", (-1.0, -2.0, -2.5, -3.0), [1.0, 0.5]),
        ("aabb", (-1.0, -2.0, -1.5, -3.0), [1.0, 1.0]),
        ("aabb", (-1.0, -1.0, -4.0, -3.0), [0.5, 0.0]),
    ],
)
def test_a_liked_answer_is_compared_with_those_to_its_own_question_first(
    prompts: str, scores: tuple[float, ...], wanted: list[float]
) -> None:
    rows = [row(at, liked=at % 2 == 0, prompt=prompts[at]) for at in range(4)]
    assert _ranked(rows, [Likelihood(score, 1) for score in scores]) == wanted


@pytest.mark.parametrize(("label", "liked"), [("true", True), (" No ", False), ("좋음", True), ("0", False), (1, True)])
def test_a_verdict_is_read_as_inspection_reads_it_and_as_the_exported_script_does(label: object, liked: bool) -> None:
    asked = {"prompt": "q", "completion": "a", "label": label}
    assert [example.liked for example in formats.feedback(1, asked)] == [liked]
    assert [example["label"] for example in feedback.examples_of(1, asked)] == [liked]
    with pytest.raises(formats.Unusable):
        formats.feedback(1, {**asked, "label": "perhaps"})


def test_held_out_rows_of_one_kind_are_refused_with_their_counts(world: Path, tmp_path: Path) -> None:
    little.write(tmp_path / "liked.jsonl", [{"prompt": "say x", "completion": "x!", "label": True}] * 3)
    made = little.recipe(world, "ft/kto:lora", "feedback", "preference_accuracy", train__max_steps=1)
    made["data"]["eval"] = str(tmp_path / "liked.jsonl")
    assert little.start(tmp_path / "run", made) == 2
    told = str(little.events(tmp_path / "run", "exit")[0]["text"])
    assert "one_verdict_held_out" in told
    assert "3" in told
