"""During training the same held-out questions are answered again, so that people see the change, not only a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback

from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.generate import answers
from tuner_tui.runs.events import EventKind
from tuner_tui.training.job import Job

POINTS = (0.25, 0.5, 0.75)


class Sampler(TrainerCallback):  # type: ignore[misc]
    """Answers the sample questions at a few points of the run and writes `sample` events."""

    def __init__(self, job: Job, tokenizer: Any, asked: Sequence[Example], before: Sequence[str]) -> None:
        self._job = job
        self._tokenizer = tokenizer
        self._asked = asked
        self._before = before

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """After a logged step that reached one of POINTS."""
        logs = kwargs.get("logs") or {}
        if "loss" in logs and state.global_step in {round(point * state.max_steps) for point in POINTS}:
            self.tell(kwargs["model"], state.global_step)

    def tell(self, model: Any, step: int) -> None:
        """Answer and write the events."""
        if not self._asked:
            return
        limit = self._job.recipe.evaluation.max_new_tokens
        said = answers(model, self._tokenizer, self._asked, max_new_tokens=limit)
        emit(self._job, self._tokenizer, self._asked, said, self._before, step)


def emit(
    job: Job, tokenizer: Any, asked: Sequence[Example], said: Sequence[str], before: Sequence[str], step: int
) -> None:
    """One `sample` event a question."""
    limit = job.recipe.evaluation.max_new_tokens
    for example, text, base in zip(asked, said, before, strict=True):
        job.events.emit(
            EventKind.SAMPLE,
            step=step,
            prompt=example.question,
            text=text,
            base=base,
            reference=example.completion,
            ended=ended(tokenizer, text, example.completion, limit),
        )


def ended(tokenizer: Any, text: str, wanted: str, limit: int) -> bool | None:
    """False when an answer fills the limit although the wanted one leaves room; None = the text does not tell."""
    said, enough = (len(tokenizer(part, add_special_tokens=False)["input_ids"]) for part in (text, wanted))
    return False if said >= limit > enough + 1 else None
