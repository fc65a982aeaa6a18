"""RLHF: a reward model learns what people prefer, then the answers learn from it (RLOO, Ahmadian et al. 2024)."""

from pathlib import Path
from typing import Any

from peft import LoraConfig
from transformers import AutoModelForSequenceClassification
from trl import RewardConfig, RewardTrainer, RLOOConfig, RLOOTrainer

from tuner_tui.export.pieces.compared import dataset
from tuner_tui.export.pieces.config import arguments
from tuner_tui.export.pieces.model import DEVICE, adapter, base
from tuner_tui.export.pieces.online import online, prompts_of
from tuner_tui.export.pieces.settings import ALPHA, RANK, TECHNIQUE
from tuner_tui.export.pieces.split import Examples


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


def reward_model(tokenizer: Any, train: Examples, held_out: Examples, folder: Path) -> Any:
    """A model with one score for its head, trained on all pairs (full, or LoRA merged)."""
    numbers = arguments(folder, len(train), None) | {"eval_strategy": "no", "save_strategy": "no"}
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
