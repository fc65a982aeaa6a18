"""Retrieval is scored apart from the answer, and a wrong answer has an owner."""

from __future__ import annotations

import pytest

from tests.tuner_tui.measurements import lane
from tuner_tui.evaluation.bakeoff import Compared
from tuner_tui.evaluation.lanes import Lane
from tuner_tui.evaluation.outcome import blame
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.score import retrieved

NAMES = ("lamp", "chair", "table", "mirror")


def test_recall_and_reciprocal_rank_are_counted_by_hand() -> None:
    index = Index([Chunk(file=f"{name}.md", number=1, text=f"{name} of oak") for name in NAMES])
    named = [("lamp oak", "lamp.md"), ("oak", "table.md"), ("mirror", "lamp.md"), ("nothing", "chair.md")]
    found = retrieved(index, named)
    assert found is not None
    assert found.recall == {"1": 0.25, "3": 0.5, "10": 0.5}
    assert found.mrr == pytest.approx((1 + 1 / 3) / 4)
    assert set(found.by) == {"bm25"}
    assert retrieved(index, []) is None


def test_answers_are_split_by_whether_the_right_document_was_there() -> None:
    found = Compared(
        questions=["q"] * 4,
        references=["r"] * 4,
        lanes=[lane(Lane.ZERO_SHOT, [0, 0, 0, 0]), lane(Lane.RAG, [1, 0, 0, 1])],
        retrieval=None,
        cited=[["a#x.md#1"], ["a#x.md#2", "b.md#1"], ["b.md#1"], ["b.md#1"]],
        named=["a#x.md", "b.md", "a#x.md", None],
    )
    assert blame(found) == {"rag": {"found": {"items": 2, "score": 0.5}, "missed": {"items": 1, "score": 0.0}}}
