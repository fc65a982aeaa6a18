"""An index answers from the documents as they are: a changed file is read again, an interrupted build leaves the old.

BM25 as Lucene scores it (Robertson & Zaragoza 2009; k1 = 1.2, b = 0.75). Postings are numpy arrays by term.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from tuner_tui.retrieval.chunks import Chunk, chunks
from tuner_tui.retrieval.documents import files_of, read
from tuner_tui.retrieval.terms import terms

K1, B = 1.2, 0.75


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What one file gave at the last build: its size and time of change, its hash, its chunks."""

    size: int
    changed_ns: int
    sha256: str
    chunks: list[Chunk]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A passage and how well it fits (BM25)."""

    chunk: Chunk
    score: float


class Index:
    """All chunks of some documents, searchable."""

    def __init__(self, found: list[Chunk]) -> None:
        import numpy

        self.chunks = found
        counts = [Counter(terms(f"{chunk.heading} {chunk.text}")) for chunk in found]
        lengths = numpy.array([sum(count.values()) for count in counts], dtype=numpy.float32)
        self._norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()) if len(found) else 1.0, 1e-9))
        postings: dict[str, tuple[list[int], list[int]]] = {}
        for at, count in enumerate(counts):
            for term, times in count.items():
                places, often = postings.setdefault(term, ([], []))
                places.append(at)
                often.append(times)
        self._postings: dict[str, Any] = {
            term: (numpy.array(places, dtype=numpy.int32), numpy.array(often, dtype=numpy.float32))
            for term, (places, often) in postings.items()
        }

    def search(self, question: str, count: int) -> list[Found]:
        """The `count` best passages, best first; those that share no term with the question are left out."""
        import numpy

        scores = numpy.zeros(len(self.chunks), dtype=numpy.float32)
        for term in set(terms(question)):
            if term not in self._postings:
                continue
            places, often = self._postings[term]
            weight = numpy.log(1 + (len(self.chunks) - len(places) + 0.5) / (len(places) + 0.5))
            scores[places] += weight * often / (often + self._norm[places])
        # Ties go to the passage that comes first, so that the same question finds the same passages.
        best = numpy.argsort(-scores, kind="stable")[:count]
        return [Found(chunk=self.chunks[at], score=float(scores[at])) for at in best if scores[at] > 0]


def build(path: Path, cache: Path | None = None) -> Index:
    """The index of a folder or file; with `cache`, only files that changed since are read again."""
    known = _read(cache)
    kept: dict[str, Kept] = {}
    for file in files_of(path):
        status = file.stat()
        before = known.get(str(file.absolute()))
        if before is None or (before.size, before.changed_ns) != (status.st_size, status.st_mtime_ns):
            document = read(file, path)
            before = Kept(
                size=status.st_size, changed_ns=status.st_mtime_ns, sha256=document.sha256, chunks=chunks(document)
            )
        kept[str(file.absolute())] = before
    if cache is not None and kept != known:
        _write(cache, kept)
    return Index([chunk for each in kept.values() for chunk in each.chunks])


def _read(cache: Path | None) -> dict[str, Kept]:
    if cache is None:
        return {}
    try:
        return msgspec.msgpack.decode(cache.read_bytes(), type=dict[str, Kept])
    except (OSError, msgspec.MsgspecError):
        return {}


def _write(cache: Path, kept: dict[str, Kept]) -> None:
    """Replace the store in one step."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    aside = cache.with_name(f".{cache.name}.{os.getpid()}")
    aside.write_bytes(msgspec.msgpack.encode(kept))
    os.replace(aside, cache)
