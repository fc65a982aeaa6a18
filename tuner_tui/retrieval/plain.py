"""bm25s' retriever, or what is used of it in an environment that is older than pyproject.toml."""

from __future__ import annotations

from typing import Any

__all__ = ["BM25"]

try:
    from bm25s import BM25
except ModuleNotFoundError:

    class BM25:  # type: ignore[no-redef]
        """Scores bm25s' layout."""

        def __init__(self, **options: Any) -> None:
            self.vocab_dict: dict[str, int] = {}
            self.scores: dict[str, Any] = {}
            self.nonoccurrence_array = None

        def get_scores_from_ids(self, ids: list[int]) -> Any:
            """The score of every passage."""
            import numpy

            found, layout = numpy.zeros(self.scores["num_docs"], dtype=numpy.float32), self.scores
            for term in ids:
                at = slice(layout["indptr"][term], layout["indptr"][term + 1])
                found[layout["indices"][at]] += layout["data"][at]
            return found
