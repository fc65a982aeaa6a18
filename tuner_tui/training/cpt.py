"""Continued pretraining: running text, every token counted, short texts packed into full rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.methods import Objective
from tuner_tui.evaluation.example import Example, pieces
from tuner_tui.training.arguments import arguments
from tuner_tui.training.formats import texts
from tuner_tui.training.job import Job
from tuner_tui.training.speed import plain

read = texts


def rows(examples: Sequence[Example], tokenizer: Any, length: int) -> Any:
    """A dataset of token ids: each text with its end token, in pieces of at most `length` tokens, nothing left out.

    TRL would keep the beginning of a long text only, packed or not.
    """
    from datasets import Dataset

    found = []
    for example in examples:
        ids = list(tokenizer(example.completion)["input_ids"])
        ids += [] if ids[-1:] == [tokenizer.eos_token_id] else [tokenizer.eos_token_id]
        found += [{"input_ids": piece, "row": example.row} for piece in pieces(ids, length)]
    return Dataset.from_list(found)


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's SFT trainer on plain text. Packed texts (best fit) never see each other: positions begin anew with each
    text, and transformers' attention masks keep apart what begins anew.
    """
    from trl import SFTConfig, SFTTrainer

    length = job.recipe.train.max_length
    learned, judged = (rows(each, tokenizer, length) for each in (train, held_out))
    config = SFTConfig(**arguments(job, len(learned)) | plain(job), completion_only_loss=False)
    return SFTTrainer(
        model=model,
        args=config,
        train_dataset=learned,
        eval_dataset=judged,
        processing_class=tokenizer,
        peft_config=peft,
    )


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.CPT)
