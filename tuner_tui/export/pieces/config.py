"""The hyperparameters, under TRL's names."""

import math
from pathlib import Path
from typing import Any

from tuner_tui.export.pieces.model import DEVICE, precision
from tuner_tui.export.pieces.settings import (
    EPOCHS,
    EVAL_STEPS,
    GRAD_ACCUM,
    GRAD_CKPT,
    KEEP_CHECKPOINTS,
    LEARNING_RATE,
    LOG_STEPS,
    MAX_GRAD_NORM,
    MAX_LENGTH,
    MICRO_BATCH,
    OPTIMIZER,
    SAVE_STEPS,
    SCHEDULER,
    SEED,
    WARMUP_RATIO,
    WEIGHT_DECAY,
)


def arguments(out: Path, rows: int, max_steps: int | None) -> dict[str, Any]:
    """What every TRL configuration takes; `rows` are the training rows."""
    batches = math.ceil(rows / MICRO_BATCH)
    total = max_steps or math.ceil(EPOCHS * max(math.ceil(batches / GRAD_ACCUM), 1))
    return {
        "output_dir": str(out / "checkpoints"),
        "max_steps": max_steps or -1,
        "num_train_epochs": EPOCHS,
        "learning_rate": LEARNING_RATE,
        "lr_scheduler_type": SCHEDULER,
        "warmup_steps": math.ceil(WARMUP_RATIO * total),
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
        "eval_steps": EVAL_STEPS or max(total // 4, 1),
        "save_strategy": "steps",
        "save_steps": SAVE_STEPS or max(total, 1),
        "save_total_limit": KEEP_CHECKPOINTS,
        "report_to": "none",
        "dataloader_pin_memory": DEVICE != "cpu",
    }
