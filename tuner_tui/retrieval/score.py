"""Retrieval is scored by itself, by the document that each question names, so that a bad answer can be blamed."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from tuner_tui.retrieval.index import Index

DEPTHS = (1, 3, 10)


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Recall within the first k passages, mean reciprocal rank (0 beyond the tenth), and milliseconds a question."""

    recall: dict[str, float]
    mrr: float
    ms: float


class Retrieved(msgspec.Struct, frozen=True, kw_only=True):
    """How good retrieval is by itself: that which is used, and beside it every way to search that was built."""

    items: int
    recall: dict[str, float]
    mrr: float
    chunks: int
    retriever: str
    by: dict[str, Score]


def retrieved(index: Index, named: Sequence[tuple[str, str]]) -> Retrieved | None:
    """Of (question, document) pairs; None when there are none."""
    if not named:
        return None
    by = {name: score(index, named, name) for name in index.retrievers}
    own = by[index.retriever]
    return Retrieved(
        items=len(named),
        recall=own.recall,
        mrr=own.mrr,
        chunks=len(index.chunks),
        retriever=index.retriever,
        by=by,
    )


def score(index: Index, named: Sequence[tuple[str, str]], retriever: str) -> Score:
    """One way to search over at least one (question, document) pair."""
    ranks, began = [], time.perf_counter()
    for question, document in named:
        files = [found.chunk.file for found in index.search(question, DEPTHS[-1], retriever)]
        ranks.append(files.index(document) + 1 if document in files else None)
    ms = (time.perf_counter() - began) * 1000 / len(ranks)
    recall = {str(depth): sum(rank is not None and rank <= depth for rank in ranks) / len(ranks) for depth in DEPTHS}
    return Score(recall=recall, mrr=sum(1 / rank for rank in ranks if rank) / len(ranks), ms=round(ms, 3))
