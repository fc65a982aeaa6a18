"""A run that goes on from an earlier one starts from its result and replays some of its data, to forget less."""

from __future__ import annotations

from msgspec import structs

from advisor.errors import InputError
from advisor.methods import Technique
from advisor.recipe import ModelSpec, Recipe, decode_recipe
from tuner_tui.runs.directory import RunDir, find_run
from tuner_tui.runs.state import state_of


def goes_on_from(recipe: Recipe, name: str) -> Recipe:
    """The recipe starting from what run `name` left, its data replayed; InputError when it left nothing that fits."""
    run = find_run(name)
    before = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path))
    data = recipe.data
    if data.replay is None:
        data = structs.replace(data, replay=before.data.train, replay_eval=before.data.eval)
    return structs.replace(recipe, model=_left(run, before, recipe), data=data)


def _left(run: RunDir, before: Recipe, recipe: Recipe) -> ModelSpec:
    """The model that the earlier run left, for the technique that goes on."""
    if run.model.is_dir():
        return structs.replace(before.model, id=str(run.model), revision=None, adapter=None)
    if not run.adapter.is_dir():
        raise InputError("compare.unfinished", run=run.id, state=state_of(run))
    kinds = ({Technique.LORA, Technique.QLORA, Technique.FULL}, {Technique.PREFIX}, {Technique.PROMPT})
    then, now = before.parsed_label.technique, recipe.parsed_label.technique
    if not any({then, now} <= kind for kind in kinds):
        raise InputError("training.adapter_kind", path=run.adapter, found=then, technique=now)
    return structs.replace(before.model, adapter=str(run.adapter))
