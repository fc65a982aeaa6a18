"""Whoever watches learns everything from the events written here; a number that is not finite stops the run."""

from __future__ import annotations

import math
import time
from typing import Any

from transformers import TrainerCallback

from tuner_tui.runs.events import EventKind
from tuner_tui.training.checkpoint import rotate, seal
from tuner_tui.training.job import Diverged, Job
from tuner_tui.training.spread import check_wrapped, tell_ranks

NAMES = {"learning_rate": "lr", "rewards/margins": "rewards_margin", "rewards/accuracies": "rewards_accuracy"}
SILENT = ("num_tokens", "total_flos", "num_input_tokens_seen")


class TokenCounter:
    """Counts the tokens that pass forward with gradients on: trained ones, not evaluated or reference ones."""

    def __init__(self, model: Any) -> None:
        self.tokens = 0
        model.register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, model: Any, args: Any, inputs: dict[str, Any]) -> None:
        import torch

        if not model.training or not torch.is_grad_enabled():
            return
        mask = inputs.get("attention_mask")
        counted = mask.sum() if mask is not None else inputs["input_ids"].numel()
        self.tokens += int(counted)


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

    def __init__(self, job: Job, counter: TokenCounter, rows: RowClock, made_from: dict[str, object]) -> None:
        self._job = job
        self._counter = counter
        self._rows = rows
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
        self._counter.tokens = state.num_input_tokens_seen
        self._mark(state.global_step)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop before a gradient that is not finite reaches the weights, so that every checkpoint stays good."""
        if not gradients_finite(kwargs["model"]):
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
        loss = float(logs["loss"])
        elapsed = max(time.monotonic() - self._since, 1e-9)
        steps = max(state.global_step - self._steps, 1)
        self._job.events.emit(
            EventKind.STEP,
            step=state.global_step,
            total=state.max_steps,
            epoch=state.epoch,
            tokens=self._counter.tokens,
            tokens_per_s=(self._counter.tokens - self._tokens) / elapsed,
            step_s=elapsed / steps,
            data_s=self._rows.seconds / steps,
            **named(logs),
        )
        rate, spent = (self._counter.tokens - self._tokens) / elapsed, elapsed / steps
        tell_ranks(self._job, state.global_step, tokens_per_s=rate, step_s=spent, bytes=held_bytes(self._job.device))
        self._mark(state.global_step)
        if not math.isfinite(loss):
            raise Diverged("loss", step=state.global_step)
        # A norm that overflows clips every gradient to zero: they are finite then, and nothing is learned.
        if not math.isfinite(float(logs.get("grad_norm") or 0.0)):
            raise Diverged("gradient", step=state.global_step)

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
        if self._job.rank == 0:
            path = seal(self._job.run.checkpoints, step, eval_loss=best, **self._made_from)
            rotate(self._job.run.checkpoints, self._job.recipe.train.keep_checkpoints)
            self._job.events.emit(EventKind.CHECKPOINT, step=step, path=str(path.relative_to(self._job.run.path)))
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


def gradients_finite(model: Any) -> bool:
    """Whether the norm of all gradients is finite (one fused pass over them)."""
    import torch

    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    if not gradients:
        return True
    return bool(torch.isfinite(torch.nn.utils.get_total_norm(gradients)))


def weights_finite(model: Any) -> bool:
    """Whether every trained weight is finite."""
    import torch

    return all(bool(torch.isfinite(weight).all()) for weight in model.parameters() if weight.requires_grad)
