"""The nearest passages are exact: every vector is compared, part by part where they lie on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tuner_tui.retrieval.bm25 import ranked

FLOOR = -1e30


def exact(parts: Sequence[tuple[Any, Any]], total: int, asked: Callable[[str], Any]) -> Callable[..., Any]:
    """A search over (vectors, numbers) parts, vectors (rows, dims) and numbers (rows,), -1 for a row that is no more.

    `asked` gives a question's vector (dims,).
    """
    import numpy

    def search(question: str, count: int) -> list[tuple[int, float]]:
        wanted, scores = asked(question), numpy.full(total, FLOOR, dtype=numpy.float32)
        for vectors, numbers in parts:
            alive = numbers >= 0
            if len(numbers):
                scores[numbers[alive]] = (vectors @ wanted)[alive]
        return ranked(scores, count, FLOOR)

    return search
