"""The recipe's numbers under the names of transformers' TrainingArguments, which many tools share."""

from __future__ import annotations

from typing import Any

from advisor.recipe import Batching, Precision
from tuner_tui.export.concrete import Concrete

# What `hf_numbers` says, by the recipe's keys.
SAID = (
    *("seed", "train.max_steps", "train.epochs", "train.learning_rate", "train.scheduler", "train.warmup_ratio"),
    *("train.weight_decay", "train.max_grad_norm", "train.optimizer", "train.micro_batch", "train.grad_accum"),
    *("train.precision", "train.log_steps", "train.eval_steps", "train.save_steps", "train.keep_checkpoints"),
    *("train.keep_best", "train.report_to"),
)
PROJECT = "tuner"
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]


def hf_numbers(work: Concrete) -> dict[str, Any]:
    """Hyperparameters, every one said aloud, so that no tool's default takes its place."""
    train = work.recipe.train
    return {
        "output_dir": "./output",
        "max_steps": train.max_steps or -1,
        "num_train_epochs": train.epochs,
        "learning_rate": train.learning_rate,
        "lr_scheduler_type": train.scheduler,
        "warmup_steps": work.warmup_steps,
        "weight_decay": train.weight_decay,
        "max_grad_norm": train.max_grad_norm,
        "optim": train.optimizer,
        "per_device_train_batch_size": train.micro_batch,
        "per_device_eval_batch_size": train.micro_batch,
        "gradient_accumulation_steps": train.grad_accum,
        "bf16": work.precision is Precision.BF16,
        "fp16": work.precision is Precision.FP16,
        "use_cpu": work.cpu,
        "seed": work.recipe.seed,
        "data_seed": work.recipe.seed,
        "logging_steps": train.log_steps,
        **looks(work),
        "save_strategy": "steps",
        "save_steps": work.save_steps,
        "save_total_limit": train.keep_checkpoints,
        "report_to": [str(tracker) for tracker in train.report_to] or "none",
        **best(work),
    }


def looks(work: Concrete) -> dict[str, Any]:
    """When the held-out rows are looked at; reinforcement never does, its held-out claim is tuner's own."""
    return {"eval_strategy": "no"} if work.tries > 1 else {"eval_strategy": "steps", "eval_steps": work.eval_steps}


def unlooked(work: Concrete) -> set[str]:
    """What means nothing where nothing is looked at, and what an answer is no longer than."""
    return {"train.eval_steps", "train.keep_best", "train.patience", "train.max_length"} if work.tries > 1 else set()


def best(work: Concrete) -> dict[str, Any]:
    """What is looked at when the best checkpoint is kept, or a training ends that no longer gains."""
    train = work.recipe.train
    if work.tries > 1 or (not train.keep_best and train.patience is None):
        return {}
    return {
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "load_best_model_at_end": train.keep_best,
    }


def order(work: Concrete) -> dict[str, Any]:
    """Rows of like length together, by transformers' own sampler."""
    grouped = work.batching is Batching.GROUPED
    return {"train_sampling_strategy": "group_by_length"} if grouped else {}


def moved(work: Concrete) -> set[str]:
    """What the recipe says and a file that keeps the best checkpoint says otherwise."""
    wanted = work.recipe.train.save_steps
    return {"train.save_steps"} if wanted is not None and wanted != work.save_steps else set()


def targets(work: Concrete) -> str | list[str]:
    """Which layers carry the adapter: `all-linear`, or names."""
    wanted = work.recipe.adapter.targets
    return ATTENTION if wanted == "attention" else wanted
