"""An evaluation that runs out of memory goes on in smaller batches: each row is judged for itself, nothing changes."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import TypeVar

Row = TypeVar("Row")
Found = TypeVar("Found")


def in_pieces(rows: Sequence[Row], work: Callable[[Sequence[Row]], list[Found]]) -> list[Found]:
    """`work(rows)`, and where memory runs out both halves of them in turn; raises when a single row is too much."""
    done = _tried(rows, work)
    if done is not None:
        return done
    # Only here, with the failed attempt's frames gone, is its memory free again.
    _let_go()
    half = len(rows) // 2
    return [*in_pieces(rows[:half], work), *in_pieces(rows[half:], work)]


def _tried(rows: Sequence[Row], work: Callable[[Sequence[Row]], list[Found]]) -> list[Found] | None:
    from tuner_tui.training.failure import out_of_memory

    try:
        return work(rows)
    except Exception as error:
        if len(rows) < 2 or not out_of_memory(error):
            raise
    return None


def _let_go() -> None:
    import torch

    gc.collect()
    torch.cuda.empty_cache()
