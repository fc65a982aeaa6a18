"""What the methods share whose answers are tried while they learn: prompts, numbers, and what answers earn."""

from pathlib import Path
from typing import Any

from datasets import Dataset

from tuner_tui.export.pieces.config import arguments
from tuner_tui.export.pieces.settings import BETA, GENERATIONS, MAX_NEW_TOKENS
from tuner_tui.export.pieces.split import Examples

TRIES = GENERATIONS or 8


def prompts_of(examples: Examples) -> Any:
    """Prompts with what their answers are checked against."""
    return Dataset.from_list([{"prompt": each["prompt"], "reference": each["completion"]} for each in examples])


def online(out: Path, prompts: int, max_steps: int | None) -> dict[str, Any]:
    """The numbers; a step counts answers, not prompts, and nothing is looked at on the way."""
    found = arguments(out, prompts * TRIES, max_steps)
    found.pop("max_length")
    return {
        **found,
        "eval_strategy": "no",
        "load_best_model_at_end": False,
        "num_generations": TRIES,
        "max_completion_length": MAX_NEW_TOKENS,
        "temperature": 1.0,
        "beta": BETA,
    }
