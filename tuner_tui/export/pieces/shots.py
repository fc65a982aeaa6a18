"""The worked examples for a question: always the first ones, or some drawn by the question itself."""

from random import Random
from typing import Any

from tuner_tui.export.pieces.ask_settings import PICK, POOL, SHOTS


def examples_for(question: str) -> list[dict[str, str]]:
    """The turns before a question."""
    return [turn for each in picked(question) for turn in each["turns"]]


def picked(question: str) -> list[Any]:
    """As our own comparison picks them."""
    if PICK == "random":
        return Random(question).sample(POOL, min(SHOTS, len(POOL)))
    return POOL[:SHOTS]
