"""Supervised tuning: the loss counts the answer and its end token, never the question."""

from pathlib import Path
from typing import Any

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from tuner_tui.export.pieces.config import arguments
from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.settings import PACKING
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
    return SFTTrainer(
        model=model,
        args=SFTConfig(**arguments(out, len(train), max_steps), packing=PACKING, completion_only_loss=True),
        train_dataset=dataset(train),
        eval_dataset=dataset(held_out),
        processing_class=tokenizer,
        peft_config=adapter(),
    )
