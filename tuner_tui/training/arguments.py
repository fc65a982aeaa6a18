"""The recipe's numbers reach the library unchanged, and every library default that hides trouble is off."""

from __future__ import annotations

import math
from typing import Any

from advisor.recipe import Precision, TrainSpec
from tuner_tui.training import spread, trackers
from tuner_tui.training.checkpoint import PARTIAL
from tuner_tui.training.job import Job

EVALUATIONS = 4


def total_steps(train: TrainSpec, rows: int, world: int = 1) -> int:
    """Optimizer steps that the recipe asks for on `rows` training rows, as transformers' Trainer counts them.

    `train` is what each of `world` processes does.
    """
    if train.max_steps is not None:
        return train.max_steps
    batches = math.ceil(math.ceil(rows / train.micro_batch) / world)
    return math.ceil(train.epochs * max(math.ceil(batches / train.grad_accum), 1))


def arguments(job: Job, rows: int) -> dict[str, Any]:
    """Keyword arguments that every TRL configuration takes, from the recipe; `rows` are the training rows."""
    train, total = job.recipe.train, total_steps(job.recipe.train, rows, job.world)
    precision = job.precision
    return {
        "output_dir": str(job.run.checkpoints / PARTIAL),
        "max_steps": train.max_steps or -1,
        "num_train_epochs": train.epochs,
        "learning_rate": train.learning_rate,
        "lr_scheduler_type": train.scheduler,
        "warmup_steps": math.ceil(train.warmup_ratio * total),
        "weight_decay": train.weight_decay,
        "max_grad_norm": train.max_grad_norm,
        "optim": train.optimizer,
        "per_device_train_batch_size": train.micro_batch,
        "per_device_eval_batch_size": train.micro_batch,
        "gradient_accumulation_steps": train.grad_accum,
        "max_length": train.max_length,
        "gradient_checkpointing": train.grad_ckpt,
        "bf16": precision is Precision.BF16,
        "fp16": precision is Precision.FP16,
        "use_cpu": job.device == "cpu",
        "seed": job.recipe.seed,
        "data_seed": job.recipe.seed,
        "logging_steps": train.log_steps,
        "logging_nan_inf_filter": False,
        "eval_strategy": "steps",
        "eval_steps": train.eval_steps or max(total // EVALUATIONS, 1),
        "save_strategy": "steps",
        "save_steps": train.save_steps or max(total, 1),
        "save_total_limit": None,
        **trackers.arguments(job),
        "disable_tqdm": True,
        "dataloader_pin_memory": job.device != "cpu",
        "dataloader_num_workers": 0,
    } | spread.arguments(job)
