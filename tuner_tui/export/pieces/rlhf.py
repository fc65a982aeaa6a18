"""RLHF: a reward model learns what people prefer, then the answers learn from it (RLOO, Ahmadian et al. 2024)."""

import math
from pathlib import Path
from typing import Any

from peft import LoraConfig
from transformers import AutoModelForSequenceClassification
from trl import RewardConfig, RewardTrainer, RLOOConfig, RLOOTrainer

from tuner_tui.export.pieces.compared import dataset
from tuner_tui.export.pieces.config import arguments
from tuner_tui.export.pieces.model import DEVICE, adapter, base
from tuner_tui.export.pieces.online import online, prompts_of
from tuner_tui.export.pieces.settings import ALPHA, MAX_STEPS, RANK, REWARD_TRAIN, TECHNIQUE
from tuner_tui.export.pieces.split import Examples

# TRL's names of the numbers that a reward model may have of its own.
OWN = {
    "epochs": "num_train_epochs",
    "learning_rate": "learning_rate",
    "scheduler": "lr_scheduler_type",
    "weight_decay": "weight_decay",
    "max_grad_norm": "max_grad_norm",
    "optimizer": "optim",
    "micro_batch": "per_device_train_batch_size",
    "grad_accum": "gradient_accumulation_steps",
    "max_length": "max_length",
    "grad_ckpt": "gradient_checkpointing",
    "log_steps": "logging_steps",
}


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's RLOO trainer against a reward model that is trained first, on the same pairs."""
    return RLOOTrainer(
        model=model,
        reward_funcs=reward_model(tokenizer, train, held_out, out / "reward"),
        args=RLOOConfig(**online(out, len(train), max_steps)),
        train_dataset=prompts_of(train),
        processing_class=tokenizer,
        reward_processing_classes=tokenizer,
        peft_config=adapter(),
    )


def reward_numbers(folder: Path, rows: int) -> dict[str, Any]:
    """The script's own numbers, or those that the recipe gives the reward model."""
    known, own = arguments(folder, rows, MAX_STEPS), REWARD_TRAIN
    if not own:
        return known
    batches = math.ceil(rows / own["micro_batch"])
    total = own["max_steps"] or math.ceil(own["epochs"] * max(math.ceil(batches / own["grad_accum"]), 1))
    steps = {"max_steps": own["max_steps"] or -1, "warmup_steps": math.ceil(own["warmup_ratio"] * total)}
    return known | {theirs: own[ours] for ours, theirs in OWN.items()} | steps


def reward_model(tokenizer: Any, train: Examples, held_out: Examples, folder: Path) -> Any:
    """A model with one score for its head, trained on all pairs (full, or LoRA merged)."""
    numbers = reward_numbers(folder, len(train)) | {"eval_strategy": "no", "save_strategy": "no"}
    scorer = AutoModelForSequenceClassification.from_pretrained(
        base()["pretrained_model_name_or_path"],
        num_labels=1,
        use_safetensors=True,
        pad_token_id=tokenizer.pad_token_id,
    )
    added = LoraConfig(
        task_type="SEQ_CLS", r=RANK, lora_alpha=ALPHA, target_modules="all-linear", modules_to_save=["score"]
    )
    full = TECHNIQUE == "full"
    reward = RewardTrainer(
        model=scorer.to(DEVICE),
        peft_config=None if full else added,
        args=RewardConfig(**numbers | {"load_best_model_at_end": False}),
        train_dataset=dataset(train),
        eval_dataset=dataset(held_out),
        processing_class=tokenizer,
    )
    reward.train()
    print(f"the reward model ranks {reward.evaluate()['eval_accuracy']:.0%} of the held-out pairs as people did")
    (reward.model if full else reward.model.merge_and_unload()).save_pretrained(folder)
    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1).to(DEVICE).eval()
