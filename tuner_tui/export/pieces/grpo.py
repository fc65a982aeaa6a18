"""Reinforcement from checkable answers (GRPO, Shao et al. 2024): of several tries those that earn more gain."""

from pathlib import Path
from typing import Any

from trl import GRPOConfig, GRPOTrainer

from tuner_tui.export.pieces.model import adapter
from tuner_tui.export.pieces.online import online, prompts_of
from tuner_tui.export.pieces.rewards import earned
from tuner_tui.export.pieces.split import Examples


def make_trainer(
    model: Any, tokenizer: Any, train: Examples, held_out: Examples, out: Path, max_steps: int | None
) -> Any:
    """TRL's GRPO trainer, ready to train."""
    return GRPOTrainer(
        model=model,
        reward_funcs=earned,
        args=GRPOConfig(**online(out, len(train), max_steps)),
        train_dataset=prompts_of(train),
        processing_class=tokenizer,
        peft_config=adapter(),
    )
