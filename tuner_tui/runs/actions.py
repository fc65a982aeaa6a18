"""A coach's action is done the same way by a key and by a command: stop first, and never change the run it is about."""

from __future__ import annotations

from typing import Any

import msgspec

from advisor.coach.rule import STOP
from advisor.errors import InputError
from advisor.part import apply_change
from advisor.recipe import Recipe, decode_recipe, recipe_from
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.supervisor import launch

SET = "set "


def begins_anew(action: str | None) -> bool:
    """Whether the action starts another run once this one has stopped."""
    return bool(action) and str(action).startswith(SET)


def is_safe(action: str | None) -> bool:
    """Whether there is something that one key may do."""
    return action == STOP or begins_anew(action)


def changed(recipe: Recipe, action: str) -> Recipe:
    """The recipe with the action's change; `KEY=*F` multiplies what the recipe holds, InputError when it cannot."""
    raw: dict[str, Any] = msgspec.to_builtins(recipe)
    for change in action.removeprefix(SET).split():
        key, _, value = change.partition("=")
        if value.startswith("*"):
            now = _value(raw, key)
            if not isinstance(now, int | float):
                raise InputError("runs.no_action", action=action)
            product = now * float(value[1:])
            change = f"{key}={max(1, round(product)) if isinstance(now, int) else product!r}"
        apply_change(raw, change)
    why = {**raw.get("why", {}), "coach": action}
    return recipe_from({**raw, "why": why}, action)


def begin_anew(run: RunDir, action: str) -> RunDir:
    """Start a new run from this one's recipe with the action's change; call it when this one has stopped."""
    recipe = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path))
    made = create_run(changed(recipe, action))
    launch(made)
    return made


def _value(raw: dict[str, Any], key: str) -> Any:
    """What a key holds; a beta that the recipe leaves open is the trainer's own, 0.1."""
    part: Any = raw
    for name in key.split("."):
        part = part.get(name) if isinstance(part, dict) else None
    return 0.1 if part is None and key == "train.beta" else part
