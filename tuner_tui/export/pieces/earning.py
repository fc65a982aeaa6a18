"""How the held-out rows judge the model: by what its greedy answers earn."""

from typing import Any

from tuner_tui.export.pieces.answer import answered
from tuner_tui.export.pieces.rewards import earned
from tuner_tui.export.pieces.split import Examples


def judged(trainer: Any, tokenizer: Any, held_out: Examples) -> tuple[float, str]:
    """The held-out figure and its name."""
    told = [answered(trainer.model, tokenizer, example) for example in held_out]
    got = earned(*([row[key] for row in told] for key in ("prompt", "answer", "reference")))
    return sum(got) / len(got), "reward"
