"""Continued pretraining: running text, every token counted, short texts packed into full rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner_tui.evaluation.example import Example
from tuner_tui.training.arguments import arguments
from tuner_tui.training.formats import texts
from tuner_tui.training.job import Job
from tuner_tui.training.speed import plain

read = texts


def rows(examples: Sequence[Example]) -> Any:
    """A dataset in TRL's language-modelling form."""
    from datasets import Dataset

    return Dataset.from_list([{"text": example.completion, "row": example.row} for example in examples])


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's SFT trainer on plain text. Packed texts (best fit) never see each other: positions begin anew with each
    text, and transformers' attention masks keep apart what begins anew.
    """
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(**arguments(job, len(train)) | plain(job), completion_only_loss=False)
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=rows(train),
        eval_dataset=rows(held_out),
        processing_class=tokenizer,
        peft_config=peft,
    )
