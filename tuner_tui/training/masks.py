"""What the loss counts is looked at before the first step: an answer, and the token that ends it."""

from __future__ import annotations

from typing import Any

from advisor.errors import InputError
from tuner_tui.training.job import Job

LOOKED_AT = 2000
SHOWN = 5
REFUSED_SHARE = 0.05


def check_masks(job: Job, trainer: Any, tokenizer: Any) -> None:
    """InputError when more than REFUSED_SHARE of the rows train nothing, or no row trains the end token."""
    dataset = trainer.train_dataset
    columns = set(dataset.column_names)
    if "seq_lengths" in columns:  # packed: rows no longer stand alone
        return
    if not columns & {"labels", "chosen_ids", "completion_ids", "input_ids"}:  # online: answers do not exist yet
        return
    rows = dataset.select(range(min(len(dataset), LOOKED_AT)))
    trained = [_trained(row, columns) for row in rows]
    empty = [row["row"] for row, ids in zip(rows, trained, strict=True) if not ids]
    kept = set(dataset["row"]) if "row" in columns else set()
    lost = sorted({row for row in job.rows if kept and row not in kept} | set(empty))
    if len(lost) > REFUSED_SHARE * max(len(job.rows), 1):
        shown = ", ".join(map(str, lost[:SHOWN]))
        raise InputError(
            "training.all_masked",
            count=len(lost),
            rows=shown,
            length=job.recipe.train.max_length,
            path=job.recipe.data.train,
        )
    if lost:
        job.warn("rows_masked", count=len(lost), row=lost[0])
    _check_end(job, tokenizer, trained)


def _trained(row: dict[str, Any], columns: set[str]) -> list[int]:
    """The token ids that the loss counts in one prepared row, for SFT, DPO and ORPO alike."""
    if "labels" in columns:
        return [label for label in row["labels"] if label != -100]
    if "chosen_labels" in columns:
        return [label for label in row["chosen_labels"] if label != -100]
    return list(row.get("chosen_ids") or row.get("completion_ids") or row["input_ids"])


def _check_end(job: Job, tokenizer: Any, trained: list[list[int]]) -> None:
    """The end token must be among what is learned; rows cut at the maximal length may lack it."""
    ends = sum(tokenizer.eos_token_id in ids for ids in trained)
    if ends == 0:
        raise InputError("training.end_not_trained", token=tokenizer.eos_token, length=job.recipe.train.max_length)
    if ends < len(trained):
        job.warn("rows_cut", count=len(trained) - ends, length=job.recipe.train.max_length)
