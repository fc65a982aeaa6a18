"""Supervised tuning: the loss counts the answer and its end token, never the question."""

from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from tuner_tui.export.pieces.config import arguments, callbacks
from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.speed import plain, settle
from tuner_tui.export.pieces.split import Examples


def dataset(examples: Examples) -> Any:
    """TRL's prompt-completion form."""
    rows = []
    for example in examples:
        answer: Any = example["completion"]
        if not isinstance(example["prompt"], str):
            answer = [{"role": "assistant", "content": answer}]
        rows.append({"prompt": example["prompt"], "completion": answer})
    return Dataset.from_list(rows)


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's SFT trainer, ready to train."""
    config = SFTConfig(**arguments(out, len(train), max_steps) | plain(), completion_only_loss=True)
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=dataset(train),
        eval_dataset=dataset(held_out),
        processing_class=tokenizer,
        peft_config=adapter(),
        callbacks=callbacks(),
    )
    return settle(trainer)
