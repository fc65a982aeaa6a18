"""What the loss counts is looked at before the first step: an answer, and the token that ends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.errors import InputError
from advisor.methods import Objective
from tuner_tui.evaluation.example import Example, encode, encode_pair, prompt_text
from tuner_tui.evaluation.generate import end_tokens
from tuner_tui.training.job import Job

LOOKED_AT = 2000
BOUNDARIES = 256
SHOWN = 5
REFUSED_SHARE = 0.05
MOSTLY = 0.5


def check_masks(job: Job, trainer: Any, tokenizer: Any) -> None:
    """InputError when more than REFUSED_SHARE of the rows train nothing, or too few train the end token.

    Packed rows no longer stand alone: each text in them is looked at, but which row it was is not known. Running text
    comes in pieces, of which the last carries the end token (`cpt.rows`): nothing of it is masked or cut.
    """
    if job.objective is Objective.CPT:
        return
    dataset, length = trainer.train_dataset, job.recipe.train.max_length
    columns = set(dataset.column_names)
    ends = set(end_tokens(trainer.model, tokenizer))
    if "seq_lengths" in columns:
        packed = dataset.select(range(min(len(dataset), LOOKED_AT)))
        _check_end(job, tokenizer, ends, [(0, text) for row in packed for text in _unpacked(row)])
        return
    if not columns & {"labels", "chosen_ids", "completion_ids", "input_ids"}:  # online: answers do not exist yet
        return
    rows = dataset.select(range(min(len(dataset), LOOKED_AT)))
    trained = [_trained(row, columns, length) for row in rows]
    empty = [row["row"] for row, ids in zip(rows, trained, strict=True) if not ids]
    kept = set(dataset["row"]) if "row" in columns else set()
    lost = sorted({row for row in job.rows if "row" in columns and row not in kept} | set(empty))
    if len(lost) > REFUSED_SHARE * max(len(job.rows), 1):
        shown = ", ".join(map(str, lost[:SHOWN]))
        raise InputError(
            "training.all_masked",
            count=len(lost),
            rows=shown,
            length=length,
            path=job.recipe.data.train,
        )
    if lost:
        job.warn("rows_masked", count=len(lost), row=lost[0])
    numbers = rows["row"] if "row" in columns else [0] * len(rows)
    _check_end(job, tokenizer, ends, list(zip(numbers, trained, strict=True)))


def check_boundaries(job: Job, tokenizer: Any, examples: Sequence[Example]) -> None:
    """Say when the end of a question becomes one token with the beginning of its answer.

    What is learned then never follows the question as it will be asked; the answer itself is trained whole.
    """
    looked_at = [example for example in examples[:BOUNDARIES] if example.prompt]
    merged = []
    for example in looked_at:
        prompt = encode(tokenizer, example, prompt_text(tokenizer, example))
        if encode_pair(tokenizer, example, example.completion)[1] < len(prompt):
            merged.append(example.row)
    if merged:
        job.warn("boundary_merged", count=len(merged), looked=len(looked_at), row=merged[0])


def _trained(row: dict[str, Any], columns: set[str], length: int) -> list[int]:
    """The token ids that the loss counts in one prepared row; DPO and KTO cut theirs only when a batch is made."""
    if "labels" in columns:
        return [label for label in row["labels"] if label != -100]
    if "chosen_labels" in columns:
        return [label for label in row["chosen_labels"] if label != -100]
    answer = row.get("chosen_ids") or row.get("completion_ids")
    if answer is None:
        return list(row["input_ids"])
    return list(answer[: max(length - len(row.get("prompt_ids") or ()), 0)])


def _unpacked(row: dict[str, Any]) -> list[list[int]]:
    """The texts of one packed row, as the loss counts them."""
    labels, found, start = row.get("labels") or row["input_ids"], [], 0
    for size in row["seq_lengths"]:
        found.append([label for label in labels[start : start + size] if label != -100])
        start += size
    return found


def _check_end(job: Job, tokenizer: Any, ends: set[int], trained: list[tuple[int, list[int]]]) -> None:
    """An end token must be among what is learned; rows cut at the maximal length lack it, and most may not."""
    cut, length = [row for row, ids in trained if not ends & set(ids)], job.recipe.train.max_length
    if len(cut) == len(trained):
        raise InputError("training.end_not_trained", token=tokenizer.eos_token, length=length)
    if len(cut) > MOSTLY * len(trained):
        shown = ", ".join(map(str, sorted(set(cut))[:SHOWN]))
        path = job.recipe.data.train
        raise InputError("training.mostly_cut", count=len(cut), rows=shown, length=length, path=path)
    if cut:
        job.warn("rows_cut", count=len(cut), length=length)
