"""RLHF: a reward model learns what people prefer, then the answers learn from the reward model.

Christiano et al. 2017, Ouyang et al. 2022. Reinforcement is RLOO (Ahmadian et al. 2024) instead of PPO: no value
model, the same objective with a KL term to the starting model. That model must already say what is to be strengthened,
so a planned recipe has a supervised stage on the chosen answers before this one (seen on the practice data: without it
no try ever ended as either answer of a pair does, and nothing was learned).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec import structs

from advisor.methods import Objective, Technique
from tuner_tui.evaluation.example import Example
from tuner_tui.runs.events import EventKind
from tuner_tui.training import dpo, grpo
from tuner_tui.training.arguments import arguments
from tuner_tui.training.formats import preferences
from tuner_tui.training.job import Job

KL = 0.05

read = preferences
work = grpo.work


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's RLOO trainer against a reward model trained first on the same pairs."""
    from trl import RLOOConfig, RLOOTrainer

    scorer = reward_model(job, tokenizer, train, held_out)
    settings = grpo.settings(job, work(job, len(train)))
    settings["beta"] = job.recipe.train.beta or KL
    return RLOOTrainer(
        model=model,
        reward_funcs=scorer,
        args=RLOOConfig(**settings),
        train_dataset=grpo.rows(train),
        processing_class=tokenizer,
        reward_processing_classes=tokenizer,
        peft_config=peft,
    )


def reward_model(job: Job, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example]) -> Any:
    """The reward model on its device: from an earlier attempt, else trained now on all pairs (full, or LoRA merged).

    Its held-out accuracy is told as an `eval` event with metric `reward_accuracy`.
    """
    from transformers import AutoModelForSequenceClassification

    folder = job.run.path / "reward"
    if not (folder / "config.json").is_file():
        _train_reward(job, tokenizer, train, held_out, folder)
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1).to(job.device).eval()


def _train_reward(
    job: Job, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], folder: Path
) -> None:
    from peft import LoraConfig
    from transformers import AutoModelForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    job.phase("reward")
    aside = folder.with_name(".reward.partial")
    told = replace(job, recipe=structs.replace(job.recipe, train=job.recipe.reward.train or job.recipe.train))
    known = arguments(told, len(train)) | {"output_dir": str(aside), "eval_strategy": "no", "save_strategy": "no"}
    base = AutoModelForSequenceClassification.from_pretrained(
        job.recipe.model.id, num_labels=1, use_safetensors=True, pad_token_id=tokenizer.pad_token_id
    )
    full, spec = job.technique is Technique.FULL, job.recipe.adapter
    added = LoraConfig(
        task_type="SEQ_CLS", r=spec.rank, lora_alpha=spec.alpha, target_modules="all-linear", modules_to_save=["score"]
    )
    reward = RewardTrainer(
        model=base.to(job.device),
        peft_config=None if full else added,
        args=RewardConfig(**known),
        train_dataset=dpo.rows(train),
        eval_dataset=dpo.rows(held_out),
        processing_class=tokenizer,
    )
    reward.train()
    scored = reward.evaluate()
    job.events.emit(
        EventKind.EVAL, step=0, loss=scored["eval_loss"], metric="reward_accuracy", score=scored["eval_accuracy"]
    )
    shutil.rmtree(aside, ignore_errors=True)
    (reward.model if full else reward.model.merge_and_unload()).save_pretrained(aside, safe_serialization=True)
    aside.rename(folder)


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.RLHF_PPO)
