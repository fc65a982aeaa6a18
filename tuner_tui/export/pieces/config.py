"""The hyperparameters, under TRL's names."""

import math
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, TrainerCallback

from tuner_tui.export.pieces.model import DEVICE, precision
from tuner_tui.export.pieces.settings import (
    EPOCHS,
    EVAL_STEPS,
    GRAD_ACCUM,
    GRAD_CKPT,
    KEEP_BEST,
    KEEP_CHECKPOINTS,
    LEARNING_RATE,
    LOG_STEPS,
    MAX_GRAD_NORM,
    MAX_LENGTH,
    MICRO_BATCH,
    OPTIMIZER,
    PATIENCE,
    REPORT_TO,
    SAVE_STEPS,
    SCHEDULER,
    SEED,
    WARMUP_RATIO,
    WEIGHT_DECAY,
)


def steps(rows: int, max_steps: int | None) -> dict[str, int]:
    """When to warm up, look and save, by the number of optimizer steps; the best is found among what is saved."""
    batches = math.ceil(rows / MICRO_BATCH)
    total = max_steps or math.ceil(EPOCHS * max(math.ceil(batches / GRAD_ACCUM), 1))
    looks, saves = EVAL_STEPS or max(total // 4, 1), SAVE_STEPS or max(total, 1)
    return {
        "warmup_steps": math.ceil(WARMUP_RATIO * total),
        "eval_steps": looks,
        "save_steps": looks if KEEP_BEST and saves % looks else saves,
    }


def settle_steps(settings: Any, rows: int) -> None:
    """Packed rows are fewer than texts: what was counted by rows follows their number."""
    for name, value in steps(rows, settings.max_steps if settings.max_steps > 0 else None).items():
        setattr(settings, name, value)


class LastLook(TrainerCallback):  # type: ignore[misc]
    """The last weights are measured too, so that they are compared with the best."""

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> Any:
        """Ask for an evaluation after the last step."""
        control.should_evaluate = control.should_evaluate or state.global_step >= state.max_steps
        return control


def callbacks() -> list[Any]:
    """The end of a training that no longer gains, and a look at its last weights where the best are kept."""
    return [*([EarlyStoppingCallback(PATIENCE)] if PATIENCE else []), *([LastLook()] if KEEP_BEST else [])]


def arguments(out: Path, rows: int, max_steps: int | None) -> dict[str, Any]:
    """What every TRL configuration takes; `rows` are the training rows."""
    return {
        "output_dir": str(out / "checkpoints"),
        "max_steps": max_steps or -1,
        "num_train_epochs": EPOCHS,
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": SCHEDULER,
        "weight_decay": WEIGHT_DECAY,
        "max_grad_norm": MAX_GRAD_NORM,
        "optim": OPTIMIZER,
        "per_device_train_batch_size": MICRO_BATCH,
        "per_device_eval_batch_size": MICRO_BATCH,
        "gradient_accumulation_steps": GRAD_ACCUM,
        "max_length": MAX_LENGTH,
        "gradient_checkpointing": GRAD_CKPT,
        "bf16": precision() == "bf16",
        "fp16": precision() == "fp16",
        "use_cpu": DEVICE == "cpu",
        "seed": SEED,
        "data_seed": SEED,
        "logging_steps": LOG_STEPS,
        "logging_nan_inf_filter": False,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        **steps(rows, max_steps),
        "save_total_limit": KEEP_CHECKPOINTS,
        "load_best_model_at_end": KEEP_BEST,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "report_to": REPORT_TO or "none",
        "dataloader_pin_memory": DEVICE != "cpu",
    }
