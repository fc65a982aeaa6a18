"""Refusal tuning: what must not be answered is declined, and all else is answered as before.

Supervised tuning on refusals mixed with ordinary answers (Bianchi et al. 2024: a few hundred refusals among ordinary
rows suffice, more of them make a model refuse what only sounds dangerous; Röttger et al. 2024). So the mix is looked
at before the first step, and refusals that are right and wrong are both counted on the held-out rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from advisor.methods import Objective
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.refusals import is_refusal
from tuner_tui.training import sft
from tuner_tui.training.formats import pairs
from tuner_tui.training.job import Job

read = pairs
trainer = sft.trainer


def look(job: Job, train: Sequence[Example], held_out: Sequence[Example]) -> None:
    """Say what the mix cannot teach or show, as far as its refusals are known as such (English and Korean words)."""
    refusing = sum(is_refusal(example.completion) for example in train)
    if refusing == len(train):
        job.warn("only_refusals", count=refusing)
    elif not refusing:
        job.warn("no_refusals", count=len(train))
    kinds = {is_refusal(example.completion) for example in held_out}
    if len(kinds) == 1:
        job.warn("refusals_one_kind", count=len(held_out))


if __name__ == "__main__":
    from tuner_tui.training.alone import alone

    alone(Objective.REFUSAL)
