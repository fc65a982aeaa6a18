"""The score of a passage is BM25 as Lucene computes it (Robertson & Zaragoza 2009), in bm25s' own index layout.

bm25s' own build wants every passage's terms as Python lists at once and cannot be added to, so counting is ours: parts
of bounded size, postings written term by term. The engine that scores is bm25s, memory-mapped where it lies on disk.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bm25s import BM25

K1, B = 1.2, 0.75


class Part(NamedTuple):
    """Counted terms of some passages: of each vocabulary term (sorted) the passages that hold it and how often.

    `starts` has one more entry than `vocabulary`; `docs` and `times` are laid out by it; `lengths` is terms a passage.
    """

    vocabulary: list[str]
    starts: Any
    docs: Any
    times: Any
    lengths: Any


def counted(passages: Sequence[Sequence[str]]) -> Part:
    """The part of a few thousand passages, each given by its terms."""
    import numpy

    places: dict[str, list[int]] = {}
    for at, words in enumerate(passages):
        for term, often in Counter(words).items():
            places.setdefault(term, []).extend((at, often))
    vocabulary = sorted(places)
    flat = numpy.array([number for term in vocabulary for number in places[term]], dtype=numpy.int32).reshape(-1, 2)
    starts = numpy.zeros(len(vocabulary) + 1, dtype=numpy.int64)
    numpy.cumsum([len(places[term]) // 2 for term in vocabulary], out=starts[1:])
    lengths = numpy.array([len(words) for words in passages], dtype=numpy.int32)
    return Part(vocabulary, starts, flat[:, 0].copy(), flat[:, 1].copy(), lengths)


def scored(parts: Sequence[tuple[Callable[[], Part], Any]], empty: Callable[[str, str, int], Any]) -> dict[str, Any]:
    """All parts as one index: `data`, `indices`, `indptr`, `num_docs` as bm25s names them, and its `vocabulary`.

    A part comes with the number of each of its passages in the whole, -1 for one that is no more; it is read twice
    and never kept. `empty(name, dtype, size)` makes an array, in memory or on disk.
    """
    import numpy

    often: dict[str, int] = {}
    lengths = []
    for read, numbers in parts:
        part = read()
        alive = numbers >= 0
        lengths.append(part.lengths[alive])
        for term, held in zip(part.vocabulary, _held(part, alive).tolist(), strict=True):
            if held:
                often[term] = often.get(term, 0) + held
    vocabulary = sorted(often)
    held = numpy.array([often[term] for term in vocabulary], dtype=numpy.int64)
    known = {term: at for at, term in enumerate(vocabulary)}
    indptr = empty("indptr", "int64", len(vocabulary) + 1)
    indptr[0] = 0
    numpy.cumsum(held, out=indptr[1:])
    every = numpy.concatenate([numpy.zeros(0, numpy.int32), *lengths])
    data, indices = (empty(name, kind, int(held.sum())) for name, kind in (("data", "float32"), ("indices", "int32")))
    weight = numpy.array([math.log(1 + (len(every) - n + 0.5) / (n + 0.5)) for n in held.tolist()], dtype=numpy.float32)
    mean, heads = float(every.mean()) if len(every) else 1.0, indptr[:-1].copy()
    for read, numbers in parts:
        _place(read(), numbers, known, weight, heads, mean, data, indices)
    return {"data": data, "indices": indices, "indptr": indptr, "num_docs": len(every), "vocabulary": known}


def _held(part: Part, alive: Any) -> Any:
    """In how many living passages each term of the part stands."""
    import numpy

    running = numpy.concatenate([[0], numpy.cumsum(alive[part.docs])])
    return running[part.starts[1:]] - running[part.starts[:-1]]


def _place(
    part: Part, numbers: Any, known: dict[str, int], weight: Any, heads: Any, mean: float, data: Any, indices: Any
) -> None:
    """Write the part's scores where `heads` says, and move these on."""
    import numpy

    ids = numpy.array([known.get(term, -1) for term in part.vocabulary], dtype=numpy.int64)
    alive = numbers >= 0
    held = _held(part, alive)
    keep = alive[part.docs]
    docs, times = part.docs[keep], part.times[keep].astype(numpy.float32)
    used = ids[held > 0]
    counts = held[held > 0]
    term = numpy.repeat(used, counts)
    offset = numpy.arange(len(docs)) - numpy.repeat(numpy.cumsum(counts) - counts, counts)
    place = heads[term] + offset
    norm = K1 * ((1 - B) + B * part.lengths[docs] / max(mean, 1e-9))
    data[place] = weight[term] * (times / (norm + times))
    indices[place] = numbers[docs]
    heads[used] += counts


def engine(index: dict[str, Any]) -> Any:
    """The index as bm25s' retriever."""
    found = BM25(k1=K1, b=B, method="lucene")
    found.vocab_dict = index["vocabulary"]
    found.scores = {name: index[name] for name in ("data", "indices", "indptr", "num_docs")}
    found.nonoccurrence_array = None
    return found


def in_memory(passages: Sequence[Sequence[str]]) -> Any:
    """The retriever over passages given by their terms."""
    import numpy

    part = counted(passages)
    numbers = numpy.arange(len(passages), dtype=numpy.int32)
    return engine(scored([(lambda: part, numbers)], lambda name, kind, size: numpy.empty(size, dtype=kind)))


def ranked(scores: Any, count: int, above: float = 0.0) -> list[tuple[int, float]]:
    """The `count` best numbers and their scores over `above`, best first; of equals the first comes first."""
    import numpy

    fits = scores > above
    if len(scores) > count:
        fits &= scores >= numpy.partition(scores, -count)[-count]
    near = numpy.flatnonzero(fits)
    best = near[numpy.argsort(-scores[near], kind="stable")[:count]]
    return [(int(at), float(scores[at])) for at in best]
