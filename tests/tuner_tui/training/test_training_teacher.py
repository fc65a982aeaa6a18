"""A teacher's kept answer is taken again only for the same question, asked in the same way of the same teacher."""

from pathlib import Path
from typing import Any

import little
import msgspec
import pytest

from advisor.recipe import Recipe
from tuner_tui.evaluation.example import Example
from tuner_tui.runs.directory import RunDir
from tuner_tui.training import distill
from tuner_tui.training.job import Job
from tuner_tui.words import words


def asked(world: Path, folder: Path, prompts: list[str], **teacher: Any) -> tuple[list[str], int]:
    """The answers, and how many of them had to be asked for."""
    made = little.recipe(world, "ft/distill:lora", "unlabeled", "loss")
    made["teacher"] = {"model": str(world / "model"), "max_tokens": 6} | teacher
    recipe = msgspec.convert(made, Recipe)
    job = Job(run=RunDir(folder), recipe=recipe, events=None, words=words("en"))  # type: ignore[arg-type]
    before = len(distill._read(folder / "teacher.jsonl"))
    blank = [Example(row=at, prompt=prompt, completion="") for at, prompt in enumerate(prompts)]
    assert recipe.teacher is not None
    said = distill._local(job, recipe.teacher, blank)
    return said, len(distill._read(folder / "teacher.jsonl")) - before


def test_the_same_questions_are_asked_once(world: Path, tmp_path: Path) -> None:
    first = asked(world, tmp_path, ["say apple", "say bread"])
    assert first[1] == 2
    assert asked(world, tmp_path, ["say bread", "say apple"]) == (first[0][::-1], 0)
    assert asked(world, tmp_path, ["say bread", "say bread", "say chair"])[1] == 1


@pytest.mark.parametrize("change", [{"max_tokens": 3}, {"system": "Be brief."}])
def test_another_way_of_asking_is_another_question(world: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    asked(world, tmp_path, ["say apple"])
    assert asked(world, tmp_path, ["say apple"], **change)[1] == 1


def test_other_weights_under_the_same_name_are_another_teacher(world: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    teacher = tmp_path / "teacher"
    little.make_model(teacher, ["say apple"])
    asked(world, tmp_path, ["say apple"], model=str(teacher))
    weights = teacher / "model.safetensors"
    save_file({name: each * 0.5 for name, each in load_file(weights).items()}, weights, metadata={"format": "pt"})
    assert asked(world, tmp_path, ["say apple"], model=str(teacher))[1] == 1
