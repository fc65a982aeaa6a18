"""A reward that can check nothing is refused before any step; one that fails now and then is told as it grows."""

from pathlib import Path
from typing import Any

import little
import msgspec
import pytest

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.troubles import Troubles
from tuner_tui.runs.directory import RunDir
from tuner_tui.training.earning import Telling, try_reward
from tuner_tui.training.job import Job
from tuner_tui.words import words

ROWS = [Example(row=at, prompt="q", completion=str(at)) for at in range(5)]


class Heard:
    """Events kept in a list."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def emit(self, kind: object, **fields: Any) -> None:
        self.events.append(fields)


def job(world: Path, folder: Path, body: str = "") -> tuple[Job, Heard]:
    (folder / "own.py").write_text(f"def reward(prompt, answer, reference):\n    {body or 'return 1.0'}\n")
    made = little.recipe(world, "ft/grpo:lora", "checkable", "exact_match")
    made["reward"] = {"check": "python", "python": f"{folder / 'own.py'}:reward"}
    heard = Heard()
    recipe = msgspec.convert(made, Recipe)
    return Job(run=RunDir(folder), recipe=recipe, events=heard, words=words("en")), heard  # type: ignore[arg-type]


def test_a_function_that_fails_with_the_right_answers_is_refused(world: Path, tmp_path: Path) -> None:
    made, _ = job(world, tmp_path, "return answer / 2")
    with pytest.raises(InputError) as found:
        try_reward(made, ROWS)
    assert "TypeError" in found.value.text("en")
    assert "own.py:reward" in found.value.text("ko")


@pytest.mark.parametrize("body", ["return 0.0", "return float(answer)", "return 1.0 / (int(answer) - 1)"])
def test_a_function_that_works_for_some_answers_may_train(world: Path, tmp_path: Path, body: str) -> None:
    try_reward(job(world, tmp_path, body)[0], ROWS)


def test_troubles_are_told_when_they_begin_and_when_they_have_doubled(world: Path, tmp_path: Path) -> None:
    made, heard = job(world, tmp_path)
    tell, troubles = Telling(made), Troubles()
    tell(troubles)
    for _ in range(9):
        troubles.asked += 1
        troubles.failed("late", "5 s")
        tell(troubles)
    assert [event["code"] for event in heard.events] == ["reward_failed"] * 4
    assert heard.events[-1]["text"].startswith("8 of 8 answers could not be checked")
    assert "longer than 5 s" in heard.events[-1]["text"]
