"""TRL's preference form."""

from typing import Any

from datasets import Dataset

from tuner_tui.export.pieces.split import Examples


def dataset(examples: Examples) -> Any:
    """TRL's preference form with the prompt given."""
    rows = []
    for example in examples:
        answers: list[Any] = [example["completion"], example["rejected"]]
        if not isinstance(example["prompt"], str):
            answers = [[{"role": "assistant", "content": answer}] for answer in answers]
        rows.append({"prompt": example["prompt"], "chosen": answers[0], "rejected": answers[1]})
    return Dataset.from_list(rows)
