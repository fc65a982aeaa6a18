"""The real training child with one planted fault: `plant.py FAULT RUN_DIR`. Everything but the fault is as shipped."""

from __future__ import annotations

import sys
import time
from typing import Any

FAULT_STEP = 40


def unguarded() -> None:
    """Take away the guards that would stop the run before the fault shows."""
    from tuner_tui.training import callback, stage

    callback.math = Lenient  # type: ignore[assignment]
    stage.check_masks = lambda *_: None


class Lenient:
    """`math` for whom every number is finite."""

    @staticmethod
    def isfinite(value: float) -> bool:
        return True


def patched_loss(change: Any) -> None:
    """Let `change(trainer, loss)` replace every training loss."""
    from transformers import Trainer
    from trl import SFTTrainer

    for kind in (SFTTrainer, Trainer):
        original = kind.compute_loss

        def compute(self: Any, *args: Any, original: Any = original, **kwargs: Any) -> Any:
            found = original(self, *args, **kwargs)
            if not self.model.training or kwargs.get("return_outputs"):
                return found
            return change(self, found)

        kind.compute_loss = compute
        break


def nan_step() -> None:
    """The loss is NaN at one step; the guards stay."""
    patched_loss(lambda trainer, loss: loss * float("nan") if trainer.state.global_step == FAULT_STEP else loss)


def nan_hidden() -> None:
    """The same without guards, the library's filter on: the log says 0.0 ever after."""
    unguarded()
    from tuner_tui.training import sft

    original = sft.arguments
    sft.arguments = lambda *a: {**original(*a), "logging_nan_inf_filter": True}
    patched_loss(
        lambda trainer, loss: (
            loss.detach() * 0 + loss * float("nan") if trainer.state.global_step >= FAULT_STEP else loss
        )
    )


def masked() -> None:
    """No token is learned from: every label is -100."""
    unguarded()
    collate(lambda trainer, batch: batch["labels"].fill_(-100))


def endless() -> None:
    """The end token is never learned from."""
    unguarded()

    def change(trainer: Any, batch: Any) -> None:
        batch["labels"].masked_fill_(batch["labels"] == trainer.processing_class.eos_token_id, -100)

    collate(change)


def collate(change: Any) -> None:
    """Let `change(trainer, batch)` work on every training batch."""
    from trl import SFTTrainer

    original = SFTTrainer.get_train_dataloader

    def loader(self: Any) -> Any:
        inner = self.data_collator

        def collated(rows: Any) -> Any:
            batch = inner(rows)
            change(self, batch)
            return batch

        self.data_collator = collated
        return original(self)

    SFTTrainer.get_train_dataloader = loader


def rate_jumps() -> None:
    """In the middle of the run the learning rate is suddenly a thousand times higher than it says."""
    from tuner_tui.training.callback import Reporter

    original = Reporter.on_pre_optimizer_step

    def step(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        if state.global_step >= state.max_steps // 2:
            for group in kwargs["optimizer"].param_groups:
                group["lr"] = 0.5
        return original(self, args, state, control, **kwargs)

    Reporter.on_pre_optimizer_step = step  # type: ignore[method-assign]


def watched() -> None:
    """No fault; memory is read fifty times a second, so that a short run has as many readings as a long one."""
    from tuner_tui.training.monitor import Monitor

    Monitor.__init__.__defaults__ = (0.02,)


def leak() -> None:
    """Every step leaves 4 MB behind."""
    from tuner_tui.training.callback import Reporter

    watched()
    kept: list[bytearray] = []
    original = Reporter.on_step_end

    def end(self: Any, *args: Any, **kwargs: Any) -> Any:
        kept.append(bytearray(b"x" * (4 << 20)))
        return original(self, *args, **kwargs)

    Reporter.on_step_end = end  # type: ignore[method-assign]


def unhurried() -> None:
    """No fault; every step takes a tenth of a second longer: a run may last for hours on a small part of a core."""
    from tuner_tui.training.callback import Reporter

    original = Reporter.on_step_end

    def end(self: Any, *args: Any, **kwargs: Any) -> Any:
        time.sleep(0.1)
        return original(self, *args, **kwargs)

    Reporter.on_step_end = end  # type: ignore[method-assign]


def memory() -> None:
    """Once, memory runs out as CUDA says it, with any micro-batch above 2."""
    import torch

    def change(trainer: Any, loss: Any) -> Any:
        if trainer.state.global_step >= FAULT_STEP and trainer.args.per_device_train_batch_size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return loss

    patched_loss(change)


def frozen() -> None:
    """The log says a learning rate, but no weight moves."""
    from tuner_tui.training.callback import Reporter

    original = Reporter.on_pre_optimizer_step

    def step(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        found = original(self, args, state, control, **kwargs)
        for weight in kwargs["model"].parameters():
            weight.grad = None
        return found

    Reporter.on_pre_optimizer_step = step  # type: ignore[method-assign]


def unanchored() -> None:
    """DPO as it was published: nothing holds the chosen answers where they were."""
    from tuner_tui.training import dpo

    dpo.ANCHOR = 0.0


def judged_by(reward: Any) -> None:
    """Let `reward(text)` stand in for the check of the answers."""
    from tuner_tui.training import grpo

    def made(judge: Any) -> Any:
        def score(prompts: Any, completions: Any, **rest: Any) -> list[float]:
            return [reward(each if isinstance(each, str) else each[-1]["content"]) for each in completions]

        return score

    grpo.reward_of = made


def no_reward() -> None:
    """Every answer earns the same."""
    judged_by(lambda text: 0.0)


def long_is_good() -> None:
    """A judge that can be gamed: the longer the answer, the better."""
    judged_by(lambda text: len(text) / 100)


def disk_shrinks() -> None:
    """A neighbour fills the disk while the run trains; it is looked at after every step."""
    from tuner_tui.runs import coach

    original, left = coach.disk_under, [40.0]

    def under(folder: Any) -> Any:
        found = original(folder)
        left[0] *= 0.97
        size = found["checkpoint_bytes"] or 0
        return found | {"free_bytes": int(left[0] * max(size, 1 << 20) / 10)}

    coach.disk_under, coach.DISK_S = under, 0.0


def none() -> None:
    """No fault, or one that the recipe alone makes."""


if __name__ == "__main__":
    import tuner_tui.training.conduct  # noqa: F401
    from tuner_tui.training.__main__ import main

    globals()[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
