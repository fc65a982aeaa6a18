"""Odds-ratio preference optimization (Hong et al. 2024)."""

from pathlib import Path
from typing import Any

from trl.experimental.orpo import ORPOConfig, ORPOTrainer

from tuner_tui.export.pieces.compared import dataset
from tuner_tui.export.pieces.config import arguments, callbacks
from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.settings import BETA
from tuner_tui.export.pieces.split import Examples


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's ORPO trainer, ready to train."""
    return ORPOTrainer(
        model=model,
        args=ORPOConfig(**arguments(out, len(train), max_steps), beta=BETA, remove_unused_columns=False),
        train_dataset=dataset(train),
        eval_dataset=dataset(held_out),
        processing_class=tokenizer,
        peft_config=adapter(),
        callbacks=callbacks(),
    )
