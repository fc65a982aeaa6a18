"""Odds-ratio preference optimization: learns the chosen answer and away from the rejected one, with no reference.

Hong et al. 2024. Its trainer lives in trl.experimental: the import is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.methods import Objective
from tuner_tui.evaluation.example import Example
from tuner_tui.training.arguments import arguments
from tuner_tui.training.dpo import rows
from tuner_tui.training.formats import preferences
from tuner_tui.training.job import Job

BETA = 0.1

read = preferences


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's ORPO trainer, ready to train."""
    from trl.experimental.orpo import ORPOConfig, ORPOTrainer

    config = ORPOConfig(**arguments(job, len(train)), beta=job.recipe.train.beta or BETA, remove_unused_columns=False)
    return ORPOTrainer(
        model=model,
        args=config,
        train_dataset=rows(train),
        eval_dataset=rows(held_out),
        processing_class=tokenizer,
        peft_config=peft,
    )


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.ORPO)
