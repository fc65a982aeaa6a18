"""From answers to a recipe: the label that was chosen, else the advised one, and defaults by rule. Slow; no widget."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from advisor.errors import InputError
from advisor.methods import parse_label
from advisor.recipe import DataSpec, ModelSpec, Recipe, decode_recipe, encode_recipe
from tuner_tui.outside import Outside
from tuner_tui.state import Wizard


class Plan(NamedTuple):
    """What the answers lead to: `text` is the recipe as YAML (None: nothing is trained), `rows` those to train on."""

    label: str
    text: str | None
    steps: tuple[str, ...]
    memory: Any = None
    hours: Any = None
    rows: int | None = None


def plan(wizard: Wizard, outside: Outside, lang: str) -> Plan:
    """The plan by rule; InputError says which answer is missing, Unavailable which part of the installation."""
    if not wizard.facts.goals and wizard.preferred is None:
        raise InputError("plan.no_goal")
    advice = outside.recommend(wizard.facts, lang, flips=False)
    label = wizard.preferred or advice.label
    place = next((ranked for ranked in advice.ranking if ranked.label == label), None)
    memory, hours = (place.memory_gb, place.hours) if place else (None, None)
    steps = tuple(advice.plan) if label == advice.label else ()
    if not parse_label(label).tunes:
        return Plan(label, None, steps, memory, hours)
    recipe, rows = _recipe(wizard, outside, label, lang)
    return Plan(label, encode_recipe(recipe), steps, memory, hours, rows)


def _recipe(wizard: Wizard, outside: Outside, label: str, lang: str) -> tuple[Recipe, int]:
    """The recipe, with the rows and token lengths counted by the model's own tokenizer where it has one."""
    model = wizard.model_path or wizard.facts.model.id
    if model is None:
        raise InputError("plan.no_model")
    if wizard.data_path is None:
        raise InputError("plan.no_data")
    data = DataSpec(
        train=_absolute(wizard.data_path), eval=_absolute(wizard.eval_path), docs=_absolute(wizard.docs_path)
    )
    local = Path(model).expanduser()
    name = str(local.absolute()) if local.is_dir() else model
    return outside.plan_recipe(wizard.facts, label, ModelSpec(id=name), data, lang)


def _absolute(path: str | None) -> Any:
    return None if path is None else str(Path(path).expanduser().absolute())


def read(text: str, source: str) -> Recipe:
    """The recipe that a text states; InputError names the key."""
    return decode_recipe(text, source)


def steps_of(recipe: Recipe, rows: int | None) -> int | None:
    """Optimizer steps that the recipe asks for; None when the number of rows is not known."""
    train = recipe.train
    if train.max_steps is not None:
        return train.max_steps
    if rows is None:
        return None
    kept = rows if recipe.data.eval else rows - math.floor(rows * recipe.data.eval_fraction)
    return max(1, math.ceil(math.ceil(kept / (train.micro_batch * train.grad_accum)) * train.epochs))
