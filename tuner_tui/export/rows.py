"""The rows that our own training learns, whatever they are made of, and one hash to compare a script's with."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from advisor.methods import Approach, Objective
from advisor.recipe import DataSpec, Recipe
from tuner_tui.export.jsonl import asked, lines
from tuner_tui.export.outcome import Task


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """What trains and what judges, as the model is spoken to. `recipe`: with the room that retrieved passages need."""

    recipe: Recipe
    train: list[Any]
    held_out: list[Any]
    tokenizer: Any


def rows_of(task: Task) -> Rows:
    """The rows of the recipe's only stage, below retrieved passages and with a teacher's answers where there are such.

    InputError when the data cannot be read, or a teacher was never asked.
    """
    from tuner_tui.evaluation.example import for_model
    from tuner_tui.export.proof import prepare, reader
    from tuner_tui.training import data, model

    recipe = task.source.recipe
    prepare(recipe)
    with contextlib.chdir(task.source.path.parent):
        split = data.load(recipe, reader(recipe), task.words.say)
        if recipe.parsed_label.objectives[0] is Objective.DISTILL:
            from tuner_tui.training.distill import kept_answers, recall

            folder = task.source.run.path if task.source.run else task.source.path.parent
            split = recall(kept_answers(folder), recipe.teacher, split)
        tokenizer = model.load_tokenizer(recipe.model)
        parts = [for_model(tokenizer, part) for part in (split.train, split.held_out)]
        return grounded(recipe, tokenizer, *parts)


def grounded(recipe: Recipe, tokenizer: Any, train: list[Any], held_out: list[Any]) -> Rows:
    """The rows below the passages that retrieval finds for them, where the recipe trains with retrieval."""
    if not retrieves(recipe):
        return Rows(recipe=recipe, train=train, held_out=held_out, tokenizer=tokenizer)
    from transformers import AutoConfig

    from tuner_tui.training.model import from_hub
    from tuner_tui.training.raft import raft, roomy

    train, held_out = raft(recipe, tokenizer, train), raft(recipe, tokenizer, held_out)
    wide = roomy(recipe, from_hub(AutoConfig, recipe.model), tokenizer, train)
    return Rows(recipe=wide, train=train, held_out=held_out, tokenizer=tokenizer)


def retrieves(recipe: Recipe) -> bool:
    """Whether the rows are trained on below retrieved passages."""
    return recipe.parsed_label.approach is Approach.RAG_FT and recipe.data.docs is not None


def as_learned(task: Task, folder: str) -> tuple[Task, bool]:
    """The task with the rows in files of their own under `folder`, where the recipe's files do not hold them yet.

    That is so for retrieved passages, a teacher's answers and earlier data that is mixed in.
    """
    recipe = task.source.recipe
    if not (retrieves(recipe) or recipe.data.replay or recipe.teacher):
        return task, False
    rows = rows_of(task)
    for name, part in (("train", rows.train), ("eval", rows.held_out)):
        task.place.write(f"{folder}data/{name}.jsonl", lines(map(written, part)))
    here = task.place.path / folder
    data = DataSpec(train=str(here / "data/train.jsonl"), eval=str(here / "data/eval.jsonl"))
    source = structs.replace(task.source, recipe=structs.replace(rows.recipe, data=data, teacher=None))
    return structs.replace(task, source=source), True


def written(example: Any) -> dict[str, Any]:
    """A row in a form that our readers and the script's understand alike."""
    if not example.prompt:
        return {"text": example.completion}
    prompt = example.prompt if isinstance(example.prompt, str) else asked(example)
    if example.rejected is not None:
        return {"prompt": prompt, "chosen": example.completion, "rejected": example.rejected}
    row = {"prompt": prompt, "completion": example.completion}
    return row if example.liked is None else {**row, "label": example.liked}


def fingerprint(task: Task) -> dict[str, Any]:
    """How many rows train and judge, and the hash over them."""
    rows = rows_of(task)
    parts = [plain(rows.train), plain(rows.held_out)]
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return {"train": len(parts[0]), "held_out": len(parts[1]), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def plain(examples: Sequence[Any]) -> list[dict[str, Any]]:
    """The examples in the script's form."""
    return [_plain(example) for example in examples]


def _plain(example: Any) -> dict[str, Any]:
    prompt = example.prompt if isinstance(example.prompt, str) else list(example.prompt)
    row = {"row": example.row, "prompt": prompt, "completion": example.completion}
    row |= {} if example.rejected is None else {"rejected": example.rejected}
    return row if example.liked is None else {**row, "label": example.liked}
