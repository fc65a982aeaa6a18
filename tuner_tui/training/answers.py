"""Every held-out question with its answers and scores before and after is kept beside the report, one a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tuner_tui.evaluation.measure import Measured
from tuner_tui.redact import redacted, redactor
from tuner_tui.runs.directory import write_atomic
from tuner_tui.training.job import Job
from tuner_tui.training.report import Outcome


def write_answers(job: Job, outcome: Outcome) -> None:
    """Write answers.jsonl; where nothing was answered (or scored item by item) those fields are null."""
    before, after = outcome.before, outcome.after
    rows = zip(
        outcome.held_out,
        _answers(before),
        _answers(after),
        _values(outcome, before),
        _values(outcome, after),
        strict=False,
    )
    encode, clean = msgspec.json.encode, redactor()
    lines = [
        encode(
            redacted(
                {
                    "prompt": example.question, "reference": example.completion, "before": said_before,
                    "after": said_after, "score_before": score_before, "score_after": score_after,
                },
                clean,
            )
        )
        for example, said_before, said_after, score_before, score_after in rows
    ]  # fmt: skip
    write_atomic(job.run.answers_path, b"".join(line + b"\n" for line in lines))


def _answers(found: Measured) -> Sequence[str | None]:
    return [*found.answers, *[None] * (found.items - len(found.answers))]


def _values(outcome: Outcome, found: Measured) -> Sequence[Any]:
    """The scores item by item, where there is one for each held-out row."""
    fits = len(found.values) == len(outcome.held_out)
    return found.values if fits else [None] * len(outcome.held_out)
