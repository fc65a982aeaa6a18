"""Rows that retrieval cannot answer are told before training on them; rows that it can are never named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from advisor.recipe import DataSpec, ModelSpec, Recipe
from tuner_tui import paths
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.lanes import grounded
from tuner_tui.retrieval.build import of_recipe
from tuner_tui.training.raft import unsaid

SAMPLES = paths.samples()


def rows_of(path: Path) -> list[dict[str, str]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


@pytest.mark.parametrize(("name", "told"), [("questions.train", range(60, 145)), ("grounded.train", range(1))])
def test_answers_that_the_documents_contradict_are_told_and_no_others(
    name: str, told: range, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_HOME", str(tmp_path))
    data = DataSpec(train="", docs=str(SAMPLES / "world"))
    recipe = Recipe(label="rag_ft/domain_qa:lora", model=ModelSpec(id=str(SAMPLES / "model")), data=data)
    index = of_recipe(recipe, SAMPLES / "world")
    rows = rows_of(SAMPLES / "data" / f"{name}.jsonl")
    bare = [Example(row=at, prompt=row["question"], completion=row["answer"]) for at, row in enumerate(rows, 1)]
    found = unsaid(bare, [grounded(example, index, []) for example in bare])
    assert len(found) in told
    now = {fact["answer"] for fact in rows_of(SAMPLES / "world" / "facts.jsonl")}
    assert not [row for row in found if rows[row - 1]["answer"] in now]


def test_a_row_that_says_that_the_passages_do_not_tell_is_as_it_should_be() -> None:
    bare = [Example(row=1, prompt="Who?", completion="The passages do not say.")] * 20
    below = [Example(row=1, prompt="Passages:\n[1] Rain fell.\n\nQuestion: Who?", completion="")] * 20
    assert unsaid(bare, below) == []
