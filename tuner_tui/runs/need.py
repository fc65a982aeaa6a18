"""How much memory a run will need is the estimate's word, never a guess of our own; None when it cannot say."""

from __future__ import annotations

from pathlib import Path

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe

GIB = 2**30


def need_bytes(recipe: Recipe) -> int | None:
    """The likely peak of the recipe's run in bytes; None for a model that is not here or not understood."""
    config = Path(recipe.model.id, "config.json")
    if not config.is_file():
        return None
    try:
        from advisor.memory import estimate, of_recipe

        return int(estimate(of_recipe(recipe, msgspec.json.decode(config.read_bytes()))).peak_gb.likely * GIB)
    except (InputError, OSError, msgspec.MsgspecError, ValueError, ArithmeticError, KeyError, IndexError):
        return None
