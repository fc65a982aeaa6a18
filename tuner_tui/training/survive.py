"""Out of memory is survived with the same effective batch: smaller pieces, in a fresh process that is the same run.

A process that ran out of memory once often does again (pytorch #93583), so the process image is replaced: the pid and
its start time, by which the run is known, stay.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, NoReturn

from tuner_tui.runs.directory import RunDir


class RanOut(Exception):
    """Memory ran out while the steps were being made."""


class TooBig(RanOut):
    """Memory ran out in the rehearsal, before the first step; `longest`: the tokens of its longest row, if known."""

    def __init__(self, text: str, longest: int | None = None) -> None:
        self.longest = longest
        super().__init__(text)


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
