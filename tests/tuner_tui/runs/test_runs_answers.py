"""Held-out questions, one a line: which way each went, and whether that many would go that way by chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner_tui.runs.answers import Answered, Change, answers_of, sign_test, tally
from tuner_tui.runs.directory import RunDir


@pytest.mark.parametrize(
    ("before", "after", "lower", "change"),
    [
        (0.0, 1.0, False, Change.BETTER),
        (0.0, 1.0, True, Change.WORSE),
        (0.5, 0.5, False, Change.SAME),
        (None, 1.0, False, Change.UNKNOWN),
    ],
)
def test_a_question_goes_one_way(before: float | None, after: float, lower: bool, change: Change) -> None:
    assert Answered(score_before=before, score_after=after).change(lower) is change


def test_wins_and_losses_are_counted_and_questions_without_scores_are_not() -> None:
    rows = [Answered(score_before=0, score_after=1)] * 9 + [Answered(score_before=1, score_after=0), Answered()]
    found = tally(rows)
    assert found is not None
    assert (found.better, found.worse, found.same) == (9, 1, 0)
    assert found.chance == pytest.approx(22 / 1024)
    assert tally([Answered()]) is None


def test_an_even_split_is_certain_by_chance_and_thousands_can_be_counted() -> None:
    assert sign_test(5, 5) == 1.0
    assert sign_test(5000, 0) < 1e-300


def test_a_damaged_line_is_passed_over_and_a_run_without_the_file_has_none(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert answers_of(run) == []
    run.answers_path.write_bytes(b'{"prompt":"a"}\n{"prompt":\n\xff\xfe\n{"prompt":1}\n{"prompt":"b","new":2}\n')
    assert [each.prompt for each in answers_of(run)] == ["a", "b"]
