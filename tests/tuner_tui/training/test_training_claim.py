"""A run is called a success only when all of what it claims was seen."""

from pathlib import Path
from typing import Any

import little
import msgspec
import pytest

from advisor.recipe import Metric, Recipe
from tuner_tui.evaluation.measure import Measured
from tuner_tui.runs.directory import RunDir
from tuner_tui.training.job import Job
from tuner_tui.training.report import Outcome, checks
from tuner_tui.words import words


def measured(metric: Metric, score: float, loss: float) -> Measured:
    return Measured(metric=metric, score=score, low=score, high=score, items=9, loss=loss)


@pytest.mark.parametrize(
    ("metric", "before", "after", "changes", "failed"),
    [
        ("preference_accuracy", (0.5, 1.5), (1.0, 1.0), {}, []),
        ("preference_accuracy", (0.6, 1.5), (1.0, 4.2), {}, ["sound"]),
        ("exact_match", (0.2, 1.0), (0.2, 0.5), {}, ["score"]),
        ("loss", (1.0, 1.0), (1.2, 1.2), {}, ["score"]),
        ("exact_match", (0.2, 1.0), (0.9, 0.5), {"steps": 3}, ["steps"]),
        ("exact_match", (0.2, 1.0), (0.9, 0.5), {"finite": False}, ["finite"]),
    ],
)
def test_the_check_that_fails_is_the_one_that_is_wrong(
    tmp_path: Path, metric: str, before: Any, after: Any, changes: dict[str, Any], failed: list[str]
) -> None:
    recipe = msgspec.convert(little.recipe(tmp_path, "ft/dpo:lora", "preference", metric), Recipe)
    job = Job(run=RunDir(tmp_path), recipe=recipe, events=None, words=words("en"))  # type: ignore[arg-type]
    kind = Metric(metric)
    found = Outcome(
        before=measured(kind, *before),
        after=measured(kind, *after),
        held_out=[],
        tokens=1,
        seconds=1.0,
        peak_bytes=None,
        peak_source=None,
        planned=10,
        **{"steps": 10, "finite": True, **changes},
    )
    assert [check.id for check in checks(job, found) if not check.passed] == failed


def test_a_preference_pair_is_a_liked_and_a_disliked_answer_for_kto() -> None:
    from tuner_tui.training.formats import feedback

    found = feedback(3, {"prompt": "q", "chosen": "good", "rejected": "bad"})
    assert [(example.completion, example.liked, example.rejected) for example in found] == [
        ("good", True, None),
        ("bad", False, None),
    ]
