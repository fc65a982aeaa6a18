"""Out of memory is survived with the same effective batch: smaller pieces, in a fresh process that is the same run.

A process that ran out of memory once often does again (pytorch #93583), so the process image is replaced: the pid and
its start time, by which the run is known, stay.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, NoReturn

import msgspec

from advisor.recipe import Recipe, TrainSpec
from tuner_tui.runs.directory import RunDir, write_atomic

FILE = "adjust.json"


class RanOut(Exception):
    """Memory ran out while the steps were being made."""


class TooBig(RanOut):
    """Memory ran out in the rehearsal, before the first step."""


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs from the recipe since memory ran out; `times` counts how often it did."""

    micro_batch: int
    grad_accum: int
    grad_ckpt: bool
    times: int


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
    fields = {name: getattr(found, name) for name in ("micro_batch", "grad_accum", "grad_ckpt")}
    return msgspec.structs.replace(recipe, train=msgspec.structs.replace(recipe.train, **fields))


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
    if train is None:
        return None
    before = adjustment_of(run)
    found = Adjustment(
        micro_batch=train.micro_batch,
        grad_accum=train.grad_accum,
        grad_ckpt=train.grad_ckpt,
        times=(before.times if before else 0) + 1,
    )
    write_atomic(run.path / FILE, msgspec.json.encode(found))
    return found


def begin_again(run: RunDir) -> NoReturn:
    """Become a fresh process of the same module that resumes this run; does not return."""
    argv = [*sys.orig_argv, *([] if "--resume" in sys.orig_argv else ["--resume"])]
    if str(run.path) not in argv:  # a method's own file was called with a recipe
        argv = [*argv[: argv.index("-m") + 2], str(run.path), "--resume"]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, argv)


class Updates:
    """Knows whether the weights are just being changed, so that a state torn in between is never saved."""

    def __init__(self) -> None:
        from transformers import TrainerCallback

        self.updating = False

        class Watch(TrainerCallback):  # type: ignore[misc]
            def on_pre_optimizer_step(_, *args: Any, **kwargs: Any) -> None:  # noqa: N805
                self.updating = True

            def on_optimizer_step(_, *args: Any, **kwargs: Any) -> None:  # noqa: N805
                self.updating = False

        self.callback = Watch()


def salvage(trainer: Any, updates: Updates, error: BaseException, last_saved: int | None) -> None:
    """Save what the steps so far have made, when memory ran out between two changes of the weights."""
    if updates.updating or not trainer.state.global_step or trainer.state.global_step == last_saved:
        return
    traceback.clear_frames(error.__traceback__)
    trainer.model.zero_grad(set_to_none=True)
    try:
        import torch

        torch.cuda.empty_cache()
        trainer._save_checkpoint(trainer.model, trial=None)
        trainer.callback_handler.on_save(trainer.args, trainer.state, trainer.control)
    except Exception:
        # There is no room even for that: the checkpoint before it must do.
        traceback.print_exc()
