"""A search is the same wherever its passages lie: by words, by meaning, or both, and then in a reranker's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tuner_tui.retrieval.bm25 import in_memory, ranked
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.fuse import fused
from tuner_tui.retrieval.terms import BIGRAMS, Cut, cutter

DEPTH, RERANKED = 100, 30
Nearest = Callable[[str, int], list[tuple[int, float]]]
Rerank = Callable[[str, Sequence[str]], Sequence[float]]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A passage and how well it fits: BM25, cosine, the sum of reciprocal ranks, or the reranker's score."""

    chunk: Chunk
    score: float


class Index:
    """Passages with every way to search them that was built.

    `engine` scores by words (None = made here from the chunks), `nearest` finds by meaning, `rerank` scores a question
    with each of some texts. `retriever` is `bm25`, `dense` or `fusion`; `passages` is how many a question carries,
    `absent` what to answer where they do not say. `keep` lives as long as the index; `about` says how it was built.
    """

    def __init__(
        self,
        chunks: Sequence[Chunk],
        *,
        engine: Any = None,
        cut: Cut | None = None,
        nearest: Nearest | None = None,
        rerank: Rerank | None = None,
        retriever: str = "bm25",
        passages: int = 3,
        absent: str | None = None,
        keep: object = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self._keep, self.about = keep, about or {}
        self.chunks, self.retriever, self.passages, self.absent = chunks, retriever, passages, absent
        self._cut = cut or cutter(BIGRAMS)
        self._engine = engine or in_memory(self._cut([words_of(chunk) for chunk in chunks]))
        self._nearest, self._rerank = nearest, rerank

    @property
    def retrievers(self) -> list[str]:
        """The ways to search that were built."""
        return ["bm25", "dense", "fusion"] if self._nearest else ["bm25"]

    def skipped(self, lang: str) -> list[dict[str, str]]:
        """Files that could not be read, why, and what to do."""
        return [{"file": name, "text": error.text(lang)} for name, error in self.about.get("skipped", {}).items()]

    def search(self, question: str, count: int, retriever: str | None = None) -> list[Found]:
        """The `count` best passages, best first; by words, those that share no term with the question are left out."""
        how = retriever or self.retriever
        depth = max(count, RERANKED) if self._rerank else count
        found = [(self.chunks[at], score) for at, score in self._places(question, depth, how)]
        if self._rerank and found:
            scores = self._rerank(question, [chunk.text for chunk, _ in found])
            order = sorted(range(len(found)), key=lambda at: -scores[at])
            found = [(found[at][0], float(scores[at])) for at in order]
        return [Found(chunk=chunk, score=score) for chunk, score in found[:count]]

    def _places(self, question: str, count: int, how: str) -> list[tuple[int, float]]:
        if how == "bm25":
            return self._by_words(question, count)
        if self._nearest is None:
            raise ValueError("no embedding model was given")
        if how == "dense":
            return self._nearest(question, count)
        depth = max(count, DEPTH)
        return fused([self._by_words(question, depth), self._nearest(question, depth)])[:count]

    def _by_words(self, question: str, count: int) -> list[tuple[int, float]]:
        known = self._engine.vocab_dict
        # In the order of the question: a sum of floats depends on its order, and a set's changes between processes.
        ids = [known[term] for term in dict.fromkeys(self._cut([question])[0]) if term in known]
        return ranked(self._engine.get_scores_from_ids(ids), count) if ids else []


def words_of(chunk: Chunk) -> str:
    """What of a passage is searched: the headings above it and its text."""
    return f"{chunk.heading} {chunk.text}"
