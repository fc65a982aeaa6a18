"""An export may differ from the trained model only where the trained model itself was undecided."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from tuner_tui.export.outcome import Check, Task
from tuner_tui.export.transcript import Transcript, differences

PROMPTS = 8
UNDECIDED = 0.05  # nats between the reference's two likeliest tokens: within what rounding to 16 bits can move


def held_out(task: Task, tokenizer: Any) -> list[Any]:
    """The first held-out questions of the run, as this tokenizer's model is spoken to."""
    from tuner_tui.evaluation.example import for_model
    from tuner_tui.export.proof import reader
    from tuner_tui.training import data

    recipe = task.source.judged
    with contextlib.chdir(task.source.path.parent):
        split = data.load(recipe, reader(recipe), task.words.say)
    return for_model(tokenizer, split.held_out)[:PROMPTS]


def parity(
    task: Task,
    tokenizer: Any,
    reference: Sequence[Transcript],
    export: Sequence[Transcript],
    name: str = "parity",
    *,
    by_text: bool = False,
) -> Check:
    """The check `name`: token by token, every difference shown; one beyond UNDECIDED fails.

    `by_text`: the export told its answers as text, without log-probabilities.
    """
    found = differences(tokenizer, reference, export, by_text=by_text)
    real = [each for each in found if each.gap is None or each.gap > UNDECIDED]
    tokens = sum(len(each.ids) + each.stopped for each in reference)
    value = {
        "prompts": len(reference),
        "tokens": tokens,
        "tolerance_nats": UNDECIDED,
        "differences": msgspec.to_builtins(found),
        "largest_log_prob_difference": None if by_text else largest(reference, export),
    }
    return task.check(
        name,
        not real,
        value=value,
        prompts=len(reference),
        tokens=tokens,
        ties=len(found) - len(real),
        real=len(real),
    )


def largest(reference: Sequence[Transcript], export: Sequence[Transcript]) -> float:
    """The largest difference, in nats, between the log-probabilities of the tokens that both say."""
    found = [0.0]
    for left, right in zip(reference, export, strict=True):
        for token, ours, theirs in zip(left.ids, left.top, right.top, strict=False):
            if token not in theirs:
                break
            found.append(abs(ours[token] - theirs[token]))
    return max(found)


def tokenizer_of(folder: Path) -> Any:
    """The exported tokenizer, as anyone loads it."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(folder))
