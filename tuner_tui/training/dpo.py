"""Direct preference optimization: the chosen answer gains on the rejected one, measured against the starting model.

Rafailov et al. 2023. With an adapter the starting model is the same weights with the adapter off, so only full
tuning holds a second copy.

The loss of the chosen answer is added with weight ANCHOR, as Llama 3 does (Dubey et al. 2024, section 4.1.4). Without
it the margin can grow while both answers become unlikely: the ranking was perfect and the model said nothing but one
word (seen on the practice data, where the chosen answers' loss went from 1.5 to 4.2; with it, to 0.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.methods import Objective
from tuner_tui.evaluation.example import Example
from tuner_tui.training.arguments import arguments
from tuner_tui.training.formats import preferences
from tuner_tui.training.job import Job

BETA = 0.1
ANCHOR = 0.2

read = preferences


def rows(examples: Sequence[Example]) -> Any:
    """A dataset in TRL's preference form with the prompt given."""
    from datasets import Dataset

    return Dataset.from_list([_row(example) for example in examples])


def _row(example: Example) -> dict[str, Any]:
    rejected = example.rejected or ""
    if isinstance(example.prompt, str):
        return {"prompt": example.prompt, "chosen": example.completion, "rejected": rejected, "row": example.row}
    return {
        "prompt": list(example.prompt),
        "chosen": [{"role": "assistant", "content": example.completion}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "row": example.row,
    }


def trainer(
    job: Job, model: Any, tokenizer: Any, train: Sequence[Example], held_out: Sequence[Example], peft: Any
) -> Any:
    """TRL's DPO trainer, ready to train."""
    from trl import DPOConfig, DPOTrainer

    config = DPOConfig(
        **arguments(job, len(train)),
        beta=job.recipe.train.beta or BETA,
        loss_type=["sigmoid", "sft"],
        loss_weights=[1.0, ANCHOR],
    )
    return DPOTrainer(
        model=model,
        args=config,
        train_dataset=rows(train),
        eval_dataset=rows(held_out),
        processing_class=tokenizer,
        peft_config=peft,
    )


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.DPO)
