"""Whoever watches learns everything from the events written here; a number that is not finite stops the run."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
import sys
import time
from typing import Any

from transformers import TrainerCallback

from tuner_tui.runs.events import EventKind
from tuner_tui.training.checkpoint import rotate, seal
from tuner_tui.training.job import Diverged, Job
from tuner_tui.training.spread import check_wrapped, gathered, together

NAMES = {"learning_rate": "lr", "rewards/margins": "rewards_margin", "rewards/accuracies": "rewards_accuracy"}
LEAST_SCALE = 1.0
SILENT = ("num_tokens", "total_flos", "num_input_tokens_seen")


class TokenCounter:
    """Counts the tokens that pass forward with gradients on: trained ones, not evaluated or reference ones.

    They are counted where they are computed; only who asks for the number waits for the device.
    """

    def __init__(self, model: Any) -> None:
        self._counted: Any = 0
        model.register_forward_pre_hook(self._count, with_kwargs=True)

    @property
    def tokens(self) -> int:
        """So many until now."""
        return int(self._counted)

    @tokens.setter
    def tokens(self, number: int) -> None:
        self._counted = number

    def _count(self, model: Any, args: Any, inputs: dict[str, Any]) -> None:
        import torch

        if model.training and torch.is_grad_enabled():
            mask = inputs.get("attention_mask")
            self._counted = self._counted + (mask.sum() if mask is not None else inputs["input_ids"].numel())


class Norms:
    """Keeps the norm of all gradients that the trainer takes at every step, so that none is taken twice."""

    def __init__(self, trainer: Any) -> None:
        self._trainer, self._take = trainer, trainer._get_grad_norm
        self._norm: Any = None
        trainer._get_grad_norm = self._kept

    def _kept(self, model: Any, grad_norm: Any = None) -> Any:
        self._norm = self._take(model, grad_norm=grad_norm)
        return self._norm

    @property
    def diverged(self) -> bool:
        """Whether it is not finite. In fp16 that is how the scaler finds its scale: it skips such steps itself."""
        norm = self._norm.full_tensor() if hasattr(self._norm, "full_tensor") else self._norm
        if norm is None or math.isfinite(float(norm)):
            return False
        scaler = self._trainer.accelerator.scaler
        return scaler is None or not scaler.is_enabled() or scaler.get_scale() <= LEAST_SCALE


class RowClock:
    """Counts the seconds that the trainer waits until a step's rows are there."""

    def __init__(self, trainer: Any) -> None:
        self.seconds = 0.0
        self._fetch = trainer.get_batch_samples
        trainer.get_batch_samples = self._timed

    def _timed(self, *args: Any, **kwargs: Any) -> Any:
        since = time.monotonic()
        try:
            return self._fetch(*args, **kwargs)
        finally:
            self.seconds += time.monotonic() - since


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Writes step, eval and checkpoint events, looks for the stop file, and keeps checkpoints whole."""

    def __init__(self, job: Job, trainer: Any, made_from: dict[str, object]) -> None:
        self._job = job
        self._counter = TokenCounter(trainer.model)
        self._rows, self._norms = RowClock(trainer), Norms(trainer)
        self._made_from = made_from
        self._since = time.monotonic()
        self._steps = 0
        self._tokens = 0
        self.eval_loss: float | None = None
        self._evaluated = -1
        self.stopped = False
        self.levelled = False
        self.last_saved: int | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Start the clock; a resumed run goes on counting tokens where it was."""
        give_back()
        self._counter.tokens = state.num_input_tokens_seen
        self._mark(state.global_step)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop before a gradient that is not finite reaches the weights, so that every checkpoint stays good.

        Also where only its norm is not: clipping has made every gradient zero then, and nothing is learned.
        """
        if self._norms.diverged:
            raise Diverged("gradient", step=state.global_step + 1)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Look whether to stop; a stop saves a checkpoint first."""
        state.num_input_tokens_seen = self._counter.tokens
        if self._job.stopping and state.global_step < state.max_steps:
            self.stopped = True
            control.should_save = True
            control.should_training_stop = True
        elif self._job.recipe.train.keep_best and state.global_step >= state.max_steps and args.eval_strategy != "no":
            control.should_evaluate = True  # the last weights are compared with the best
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **kwargs: Any) -> None:
        """One step event; the library's own closing summary is not one."""
        if "loss" not in logs:
            return
        elapsed = max(time.monotonic() - self._since, 1e-9)
        spent = elapsed / max(state.global_step - self._steps, 1)
        tokens = self._counter.tokens
        rate, held = (tokens - self._tokens) / elapsed, held_bytes(self._job.device) if self._job.world > 1 else None
        ranks = gathered(self._job, tokens=tokens, tokens_per_s=rate, step_s=spent, bytes=held)
        self._job.events.emit(
            EventKind.STEP,
            step=state.global_step,
            total=state.max_steps,
            epoch=state.epoch,
            tokens=sum(each["tokens"] for each in ranks),
            tokens_per_s=sum(each["tokens_per_s"] for each in ranks),
            step_s=spent,
            data_s=self._rows.seconds / max(state.global_step - self._steps, 1),
            **named(logs),
        )
        if self._job.world > 1:
            self._job.events.emit(EventKind.RANKS, step=state.global_step, ranks=ranks)
        self._mark(state.global_step)
        if not math.isfinite(float(logs["loss"])):
            raise Diverged("loss", step=state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, Any], **kwargs: Any) -> Any:
        """The held-out loss during training; its time is not the steps' time. No gain for long ends the run early."""
        self.eval_loss, self._evaluated = metrics.get("eval_loss"), state.global_step
        self._job.events.emit(EventKind.EVAL, step=state.global_step, loss=self.eval_loss)
        patience = self._job.recipe.train.patience
        if patience and state.global_step < state.max_steps and barren(state.log_history) >= patience:
            self.levelled = True
            control.should_save = control.should_training_stop = True
            self._job.warn("levelled", count=patience, step=state.global_step)
        self._mark(state.global_step)
        return control

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """What the library wrote aside becomes a checkpoint in one step; then the old ones go."""
        step = state.global_step
        measured = self.eval_loss if self._evaluated == step else None
        best = measured if measured is None or math.isfinite(measured) else None
        together(self._job)  # every process has written its own part
        if self._job.leads:
            path = seal(self._job.run.checkpoints, step, eval_loss=best, **self._made_from)
            rotate(self._job.run.checkpoints, self._job.recipe.train.keep_checkpoints)
            self._job.events.emit(EventKind.CHECKPOINT, step=step, path=str(path.relative_to(self._job.run.path)))
        together(self._job)
        self.last_saved = step
        self._mark(step)

    def _mark(self, step: int) -> None:
        self._since = time.monotonic()
        self._steps = step
        self._tokens = self._counter.tokens
        self._rows.seconds = 0.0


class Wrapped(TrainerCallback):  # type: ignore[misc]
    """Looks, before the first step, whether what is trained is wrapped as the launch asked."""

    def __init__(self, job: Job, trainer: Any) -> None:
        self._job, self._trainer = job, trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Tell the type and the kernels; a launch that did less raises."""
        wrapped = check_wrapped(self._job, self._trainer)
        if self._job.world > 1:
            self._job.warn("spread", processes=self._job.world, wrapped=wrapped)


def held_bytes(device: str) -> int | None:
    """What this process holds: of its GPU as the allocator counts, else resident memory."""
    if device == "cuda":
        import torch

        return int(torch.cuda.memory_reserved())
    import psutil

    return int(psutil.Process().memory_info().rss)


def give_back() -> None:
    """Return to the system what loading, or a rehearsal, has left over: the steps must not come on top of it."""
    gc.collect()
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):  # the C library of GNU alone keeps freed memory in pieces
            ctypes.CDLL(None).malloc_trim(0)


def named(logs: dict[str, Any]) -> dict[str, float]:
    """The library's log under our names: flat, plain numbers."""
    found = {}
    for name, value in logs.items():
        if name in SILENT or not isinstance(value, int | float) or name == "epoch":
            continue
        found[NAMES.get(name, name.replace("/", "_"))] = float(value)
    return found


def barren(history: list[dict[str, Any]]) -> int:
    """How many of the latest evaluations brought no lower loss than the best before them."""
    losses = [float(entry["eval_loss"]) for entry in history if "eval_loss" in entry]
    lowest = min((loss for loss in losses if math.isfinite(loss)), default=math.nan)
    return len(losses) - 1 - losses.index(lowest) if lowest in losses else 0


def weights_finite(model: Any) -> bool:
    """Whether every trained weight is finite."""
    import torch

    return all(bool(torch.isfinite(weight).all()) for weight in model.parameters() if weight.requires_grad)
