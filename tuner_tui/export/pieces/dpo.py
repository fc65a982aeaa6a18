"""Direct preference optimization (Rafailov et al. 2023), anchored in the chosen answers (Dubey et al. 2024)."""

from pathlib import Path
from typing import Any

from trl import DPOConfig, DPOTrainer

from tuner_tui.export.pieces.compared import dataset
from tuner_tui.export.pieces.config import arguments, callbacks
from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.settings import BETA
from tuner_tui.export.pieces.split import Examples


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's DPO trainer, ready to train."""
    return DPOTrainer(
        model=model,
        args=DPOConfig(
            **arguments(out, len(train), max_steps), beta=BETA, loss_type=["sigmoid", "sft"], loss_weights=[1.0, 0.2]
        ),
        train_dataset=dataset(train),
        eval_dataset=dataset(held_out),
        processing_class=tokenizer,
        peft_config=adapter(),
        callbacks=callbacks(),
    )
