"""Kahneman-Tversky optimization (Ethayarajh et al. 2024)."""

import random
from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import KTOConfig, KTOTrainer

from tuner_tui.export.pieces.config import arguments, callbacks
from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.settings import BETA, SEED
from tuner_tui.export.pieces.split import Examples


def dataset(examples: Examples) -> Any:
    """TRL's unpaired-preference form."""
    rows = []
    for example in examples:
        answer: Any = example["completion"]
        if not isinstance(example["prompt"], str):
            answer = [{"role": "assistant", "content": answer}]
        rows.append({"prompt": example["prompt"], "completion": answer, "label": example["label"]})
    return Dataset.from_list(rows)


def weights(examples: Examples) -> tuple[float, float]:
    """Weights of liked and disliked answers that make both count alike."""
    liked = sum(example["label"] for example in examples)
    disliked = len(examples) - liked
    if not liked or not disliked:
        raise SystemExit("KTO needs liked and disliked answers.")
    return (disliked / liked, 1.0) if liked < disliked else (1.0, liked / disliked)


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's KTO trainer, ready to train: it takes rows in their order, so they are shuffled here."""
    train, held_out = (random.Random(SEED).sample(part, len(part)) for part in (train, held_out))
    liked, disliked = weights(train)
    numbers = arguments(out, len(train), max_steps)
    return KTOTrainer(
        model=model,
        args=KTOConfig(**numbers, beta=BETA, desirable_weight=liked, undesirable_weight=disliked),
        train_dataset=dataset(train),
        eval_dataset=dataset(held_out),
        processing_class=tokenizer,
        peft_config=adapter(),
        callbacks=callbacks(),
    )
