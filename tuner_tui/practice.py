"""The practice answers: what a person would have answered, from the files that ship with the samples."""

from __future__ import annotations

from tuner_tui import paths
from tuner_tui.outside import Outside
from tuner_tui.state import Wizard

DATA, HELD_OUT, MODEL = "data/style.train.jsonl", "data/style.test.jsonl", "model"


def practice_wizard(outside: Outside) -> Wizard:
    """All answers filled in: goals and facts, data, held-out data, the practice model."""
    samples = paths.samples()
    facts = outside.practice_facts()
    return Wizard(
        practice=True,
        facts=facts,
        answered=("goals", "history.prompting", "history.rag", "constraints.privacy"),
        data_path=str(samples / DATA),
        eval_path=str(samples / HELD_OUT),
        model_path=str(samples / MODEL),
    )
