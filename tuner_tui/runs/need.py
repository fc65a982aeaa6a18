"""How much memory a run will need is the estimate's word, never a guess of our own; None when it cannot say."""

from __future__ import annotations

from pathlib import Path

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.foreign import json_in

GIB = 2**30


def need_bytes(recipe: Recipe) -> int | None:
    """The likely peak of the recipe's run in bytes; None for a model that is not here or not understood."""
    config = Path(recipe.model.id, "config.json")
    try:
        from advisor.memory import estimate, of_recipe

        return int(estimate(of_recipe(recipe, json_in(config))).peak_gb.likely * GIB)
    except (InputError, OSError, msgspec.MsgspecError, ValueError, ArithmeticError, KeyError, IndexError):
        return None
