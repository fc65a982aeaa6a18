"""The worked examples for a question: the rows whose questions are most like it, the likest last."""

from functools import cache
from typing import Any

from tuner_tui.export.pieces.ask_settings import POOL, SHOTS
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.index import Index


@cache
def likeness() -> Any:
    """The index over the questions of all rows to show."""
    return Index([Chunk(file="", number=at, text=each["question"]) for at, each in enumerate(POOL, 1)])


def examples_for(question: str) -> list[dict[str, str]]:
    """The turns before a question."""
    found = [POOL[each.chunk.number - 1] for each in likeness().search(question, SHOTS)]
    return [turn for each in found[::-1] for turn in each["turns"]]
