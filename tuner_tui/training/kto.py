"""Kahneman-Tversky optimization: single answers with a thumb up or down, no pairs needed.

Ethayarajh et al. 2024. The two kinds are weighted so that neither outvotes the other (their section 4.2: the ratio
of weight times count stays within 1 to 4/3). A batch needs two rows, or the KL term has nothing to compare.

TRL takes the rows in the order of the file, because each is compared with the answer of the one before. So they are
shuffled here: sorted by verdict, batches would hold one kind only; in pairs, a row would be compared with the other
answer to its own prompt.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import Metric
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.measure import refuse_one_verdict
from tuner_tui.training.arguments import arguments
from tuner_tui.training.formats import feedback
from tuner_tui.training.job import Job

BETA = 0.1

read = feedback


def rows(examples: Sequence[Example]) -> Any:
    """A dataset in TRL's unpaired-preference form."""
    from datasets import Dataset

    return Dataset.from_list([_row(example) for example in examples])


def _row(example: Example) -> dict[str, Any]:
    prompt, answer = example.prompt, example.completion
    if isinstance(prompt, str):
        return {"prompt": prompt, "completion": answer, "label": bool(example.liked), "row": example.row}
    said = [{"role": "assistant", "content": answer}]
    return {"prompt": list(prompt), "completion": said, "label": bool(example.liked), "row": example.row}


def shuffled(examples: Sequence[Example], seed: int) -> list[Example]:
    """The rows in an order that the seed alone decides."""
    return random.Random(seed).sample(examples, len(examples))


def weights(examples: Sequence[Example]) -> tuple[float, float]:
    """Weights of liked and disliked answers that make both count alike; InputError when one kind is missing."""
    liked = sum(bool(example.liked) for example in examples)
    disliked = len(examples) - liked
    if not liked or not disliked:
        raise InputError("training.one_verdict", liked=liked, disliked=disliked)
    return (disliked / liked, 1.0) if liked < disliked else (1.0, liked / disliked)


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's KTO trainer, ready to train."""
    from trl import KTOConfig, KTOTrainer

    if job.recipe.train.micro_batch < 2:
        raise InputError("training.kto_batch")
    liked, disliked = weights(train)
    if job.recipe.evaluation.metric is Metric.PREFERENCE:
        refuse_one_verdict(held_out)
    config = KTOConfig(
        **arguments(job, len(train)),
        beta=job.recipe.train.beta or BETA,
        desirable_weight=liked,
        undesirable_weight=disliked,
    )
    return KTOTrainer(
        model=model,
        args=config,
        train_dataset=rows(shuffled(train, job.recipe.seed)),
        eval_dataset=rows(shuffled(held_out, job.recipe.seed)),
        processing_class=tokenizer,
        peft_config=peft,
    )


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.KTO)
