"""Continued pretraining: every token of the text is counted."""

from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from tuner_tui.export.pieces.config import arguments, callbacks
from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.speed import plain, settle
from tuner_tui.export.pieces.split import Examples


def dataset(examples: Examples) -> Any:
    """TRL's language-modelling form."""
    return Dataset.from_list([{"text": example["completion"]} for example in examples])


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's SFT trainer on plain text, ready to train."""
    config = SFTConfig(**arguments(out, len(train), max_steps) | plain(), completion_only_loss=False)
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
