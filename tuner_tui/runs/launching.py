"""A launch that cannot carry out its recipe is refused before anything starts."""

from __future__ import annotations

from importlib.util import find_spec

from advisor.errors import InputError
from advisor.methods import Objective, Technique
from advisor.recipe import Recipe, Strategy

SHARDED = (Technique.FULL, Technique.LORA)


def check_launch(recipe: Recipe) -> None:
    """InputError when the processes cannot share the recipe's batch, its stages or its technique, or cannot meet."""
    launch, train, label = recipe.launch, recipe.train, recipe.parsed_label
    if launch.world == 1:
        return
    if launch.nodes > 1 and launch.main is None:
        raise InputError("runs.launch_main", nodes=launch.nodes)
    if len(recipe.in_order) > 1 or recipe.in_order[0][0] is Objective.RLHF_PPO:
        raise InputError("training.launch_alone", label=recipe.label)
    if launch.strategy is not Strategy.DDP and label.technique not in SHARDED:
        raise InputError("training.shard_adapter", strategy=launch.strategy, technique=label.technique)
    if launch.strategy is Strategy.ZERO3 and find_spec("deepspeed") is None:
        raise InputError("training.no_deepspeed")
    if train.grad_accum % launch.world and train.micro_batch % launch.world:
        batch = train.micro_batch * train.grad_accum
        raise InputError("training.uneven", processes=launch.world, batch=batch)
