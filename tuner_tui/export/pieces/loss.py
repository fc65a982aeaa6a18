"""How the held-out rows judge the model: by its loss on their answers."""

from typing import Any

from tuner_tui.export.pieces.split import Examples


def judged(trainer: Any, tokenizer: Any, held_out: Examples) -> tuple[float, str]:
    """The held-out figure and its name."""
    return trainer.evaluate()["eval_loss"], "loss"
