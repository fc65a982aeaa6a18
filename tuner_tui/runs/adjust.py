"""What a run does differently since memory ran out stands in its folder, so that each later attempt knows it.

Smaller pieces make the same step; shorter sequences do not, so they are taken only once somebody has agreed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe, TrainSpec, decode_recipe
from tuner_tui.runs.directory import RunDir, write_atomic

FILE = "adjust.json"
SHORTEST = 32
_PIECES = ("micro_batch", "grad_accum", "grad_ckpt")


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs from the recipe; `times` counts how often memory ran out.

    `max_length`: tokens to which rows are cut, None = as the recipe says; `agreed` when somebody agreed to that.
    """

    micro_batch: int
    grad_accum: int
    grad_ckpt: bool
    times: int
    max_length: int | None = None
    agreed: bool = False


def adjustment_of(run: RunDir) -> Adjustment | None:
    """What an earlier attempt of this run had to change; None when nothing."""
    try:
        return msgspec.json.decode((run.path / FILE).read_bytes(), type=Adjustment)
    except (OSError, msgspec.MsgspecError):
        return None


def adjusted(run: RunDir, recipe: Recipe) -> Recipe:
    """The recipe as this machine can run it; the effective batch is the recipe's."""
    found = adjustment_of(run)
    if found is None or found.micro_batch * found.grad_accum != recipe.train.micro_batch * recipe.train.grad_accum:
        return recipe
    fields: dict[str, Any] = {name: getattr(found, name) for name in _PIECES}
    fields["max_length"] = found.max_length or recipe.train.max_length
    return msgspec.structs.replace(recipe, train=msgspec.structs.replace(recipe.train, **fields))


def changed(run: RunDir) -> dict[str, Any] | None:
    """The recipe keys that had to be changed since memory ran out, with their new values; None when it did not."""
    found = adjustment_of(run)
    if found is None:
        return None
    asked = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)).train
    needed = {name: getattr(found, name) for name in _PIECES} | {"max_length": found.max_length or asked.max_length}
    return {f"train.{name}": value for name, value in needed.items() if value != getattr(asked, name)}


def smaller(train: TrainSpec) -> TrainSpec | None:
    """The next smaller way to make the same step: half the micro-batch, at last gradient checkpointing; else None."""
    batch = train.micro_batch * train.grad_accum
    fits = [size for size in range(1, train.micro_batch // 2 + 1) if batch % size == 0]
    if fits:
        return msgspec.structs.replace(train, micro_batch=fits[-1], grad_accum=batch // fits[-1])
    return None if train.grad_ckpt else msgspec.structs.replace(train, grad_ckpt=True)


def shrink(run: RunDir, recipe: Recipe) -> Adjustment | None:
    """Write down the next smaller way for the next attempt; None when there is none left."""
    train = smaller(recipe.train)
    return None if train is None else _write(run, train)


def shorten(run: RunDir, recipe: Recipe, longest: int | None, *, agreed: bool) -> Adjustment | None:
    """Write down half the length of the longest row (`longest` tokens); None where that would leave next to nothing."""
    length = min(recipe.train.max_length, longest or recipe.train.max_length) // 2
    if length < SHORTEST:
        return None
    return _write(run, msgspec.structs.replace(recipe.train, max_length=length), max_length=length, agreed=agreed)


def agree(run: RunDir) -> Adjustment:
    """Agree to shorter sequences: to those that its rehearsal found, else to half of what the run used."""
    found = adjustment_of(run)
    if found is not None and found.max_length is not None and not found.agreed:
        agreed = msgspec.structs.replace(found, agreed=True)
        write_atomic(run.path / FILE, msgspec.json.encode(agreed))
        return agreed
    recipe = adjusted(run, decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)))
    shorter = shorten(run, recipe, None, agreed=True)
    if shorter is None:
        raise InputError("runs.too_short", run=run.id, length=recipe.train.max_length)
    return shorter


def keep_length(run: RunDir) -> None:
    """Forget a shorter length that nobody has agreed to."""
    found = adjustment_of(run)
    if found is not None and not found.agreed:
        write_atomic(run.path / FILE, msgspec.json.encode(msgspec.structs.replace(found, max_length=None)))


def _write(run: RunDir, train: TrainSpec, **length: Any) -> Adjustment:
    before = adjustment_of(run)
    kept = {} if before is None else {"max_length": before.max_length, "agreed": before.agreed}
    pieces = {name: getattr(train, name) for name in _PIECES}
    found = Adjustment(**pieces, times=(before.times if before else 0) + 1, **{**kept, **length})
    write_atomic(run.path / FILE, msgspec.json.encode(found))
    return found
