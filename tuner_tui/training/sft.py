"""Supervised tuning: the loss counts the answer and its end token, never the question.

Domain question answering, style, refusal and distillation on a teacher's answers train as this file does; they differ
in their data and in how they are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.methods import Objective
from tuner_tui.evaluation.example import Example
from tuner_tui.training.arguments import arguments
from tuner_tui.training.formats import pairs
from tuner_tui.training.job import Job
from tuner_tui.training.speed import plain

read = pairs


def rows(examples: Sequence[Example]) -> Any:
    """A dataset in TRL's prompt-completion form, conversational where the prompts are conversations."""
    from datasets import Dataset

    return Dataset.from_list([_row(example) for example in examples])


def _row(example: Example) -> dict[str, Any]:
    if isinstance(example.prompt, str):
        return {"prompt": example.prompt, "completion": example.completion, "row": example.row}
    answer = {"role": "assistant", "content": example.completion}
    return {"prompt": list(example.prompt), "completion": [answer], "row": example.row}


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's SFT trainer, ready to train; LoRA and its kin are added to `model` by it."""
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(**arguments(job, len(train)) | plain(job), completion_only_loss=True)
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=rows(train),
        eval_dataset=rows(held_out),
        processing_class=tokenizer,
        peft_config=peft,
    )


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.SFT)
