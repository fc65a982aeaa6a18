"""Near duplicates share most of their five-letter pieces: hashing finds them, counting the pieces decides.

MinHash with banding (Broder 1997; Leskovec et al., Mining of Massive Datasets, chapter 3): 16 bands of 4 find pairs of
similarity 0.8 with probability 1 - (1 - 0.8^4)^16 = 0.9998; every found pair is then measured exactly.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

PIECE = 5
BANDS, WIDTH = 16, 4
SIMILAR, SIMILAR_SHORT, SHORT = 0.8, 0.9, 200
"""Of long texts four fifths; in a short one a single other word is often all that matters."""
SHORTEST = 20
CHARS = 4000
COMPARED = 8
BETWEEN = re.compile(r"\W+")


def normalised(text: str) -> str:
    """Case, spacing and punctuation do not make a text another one."""
    return BETWEEN.sub(" ", text).strip().casefold()


class Alike:
    """Texts seen so far; `add` says whether a new one nearly repeats one of them."""

    def __init__(self) -> None:
        import numpy

        self._np: Any = numpy
        random = numpy.random.default_rng(42)
        self._factors = random.integers(1, 1 << 63, BANDS * WIDTH, dtype=numpy.uint64)[:, None] | numpy.uint64(1)
        self._offsets = random.integers(0, 1 << 63, BANDS * WIDTH, dtype=numpy.uint64)[:, None]
        self._powers = numpy.uint64(1099511628211) ** numpy.arange(PIECE, dtype=numpy.uint64)
        self._buckets: dict[tuple[int, bytes], list[int]] = {}
        self._pieces: list[Any] = []

    def add(self, text: str) -> int | None:
        """Take a text; the place (from 0) of an earlier one that it nearly repeats, or None. Short texts never do."""
        found, pieces, keys = self._find(text)
        place = len(self._pieces)
        self._pieces.append(pieces)
        for key in keys if found is None else ():
            self._buckets.setdefault(key, []).append(place)
        return found

    def find(self, text: str) -> int | None:
        """The place of an earlier text that this one nearly repeats, without taking it."""
        return self._find(text)[0]

    def _find(self, text: str) -> tuple[int | None, Any, list[tuple[int, bytes]]]:
        text = normalised(text[: 4 * CHARS])[:CHARS]
        if len(text) < SHORTEST:
            return None, None, []
        pieces = self._hashed(text)
        keys = self._bands(pieces)
        for place in self._candidates(keys):
            wanted = SIMILAR_SHORT if len(text) < SHORT else SIMILAR
            if self._similarity(pieces, self._pieces[place]) >= wanted:
                return place, pieces, keys
        return None, pieces, keys

    def _hashed(self, text: str) -> Any:
        """The set of hashes of all pieces, sorted."""
        np = self._np
        letters = np.frombuffer(text.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
        windows = np.lib.stride_tricks.sliding_window_view(letters, PIECE)
        mixed = (windows * self._powers).sum(axis=1, dtype=np.uint64)
        return np.unique(mixed ^ (mixed >> np.uint64(29)))

    def _bands(self, pieces: Any) -> list[tuple[int, bytes]]:
        least = (pieces[None, :] * self._factors + self._offsets).min(axis=1).reshape(BANDS, WIDTH)
        return [(band, least[band].tobytes()) for band in range(BANDS)]

    def _candidates(self, keys: list[tuple[int, bytes]]) -> list[int]:
        """Earlier texts that share the most bands, COMPARED at most: in a template every text would be a candidate."""
        shared: Counter[int] = Counter()
        for key in keys:
            shared.update(self._buckets.get(key, ())[:COMPARED])
        return [place for place, _ in shared.most_common(COMPARED)]

    def _similarity(self, one: Any, other: Any) -> float:
        """Jaccard similarity of two sorted sets."""
        one, other = (one, other) if len(one) <= len(other) else (other, one)
        if len(one) < SIMILAR * len(other):
            return 0.0
        places = self._np.searchsorted(other, one)
        places[places == len(other)] = 0
        shared = int((other[places] == one).sum())
        return shared / (len(one) + len(other) - shared)
