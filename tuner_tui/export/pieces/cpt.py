"""Continued pretraining: every token of the text is counted."""

from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from tuner_tui.export.pieces.config import arguments, callbacks
from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.settings import MAX_LENGTH
from tuner_tui.export.pieces.speed import plain, settle
from tuner_tui.export.pieces.split import Examples


def dataset(examples: Examples, tokenizer: Any) -> Any:
    """Each text with its end token, in pieces of at most MAX_LENGTH tokens: TRL would keep the beginning only."""
    rows = []
    for example in examples:
        ids = list(tokenizer(example["completion"])["input_ids"])
        ids += [] if ids[-1:] == [tokenizer.eos_token_id] else [tokenizer.eos_token_id]
        rows += [{"input_ids": piece} for piece in pieces(ids)]
    return Dataset.from_list(rows)


def pieces(ids: list[int]) -> list[list[int]]:
    """The same ids in order, about as many in each piece."""
    count = max(-(-len(ids) // MAX_LENGTH), 1)
    size = -(-len(ids) // count)
    return [ids[at : at + size] for at in range(0, len(ids), size)]


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's SFT trainer on plain text, ready to train."""
    learned, known = dataset(train, tokenizer), dataset(held_out, tokenizer)
    config = SFTConfig(**arguments(out, len(learned), max_steps) | plain(), completion_only_loss=False)
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=learned,
        eval_dataset=known,
        processing_class=tokenizer,
        peft_config=adapter(),
        callbacks=callbacks(),
    )
    return settle(trainer)
