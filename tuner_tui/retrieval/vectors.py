"""Vectors belong to one model and one segment: another model's are never compared, a killed build keeps the finished.

Up to 100,000 passages every vector is compared (numpy, memory-mapped). Beyond that usearch's graph (HNSW) answers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.retrieval.embed import Embedder
from tuner_tui.retrieval.index import Nearest, words_of
from tuner_tui.retrieval.nearest import exact
from tuner_tui.retrieval.store import Segment, Store

EXACT = 100_000
SHIFT = 32
SPARE = 64


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Whose vectors these are. `cut` passages are longer than the `longest` tokens that the model reads."""

    model: str
    fingerprint: str
    dims: int
    poolings: list[str]
    longest: int
    cut: dict[str, int]


def nearest_in(
    store: Store, needed: Sequence[tuple[Segment, Any]], found: Embedder, model: str
) -> tuple[Nearest, dict[str, Any] | None]:
    """A search by meaning over the living passages of a store, and what is known of its vectors; missing are made."""
    import numpy

    for segment, _ in needed:
        _embed(store, segment, found, model)
    parts = [
        (numpy.load(_place(segment, found), mmap_mode="r"), numbers) for segment, numbers in needed if segment.count
    ]
    total = sum(int((numbers >= 0).sum()) for _, numbers in needed)

    def asked(question: str) -> Any:
        return found.questions([question])[0]

    told = manifest_of(store, found)
    about = None
    if told is not None:
        cut = sum(told.cut.get(str(segment.number), 0) for segment, _ in needed)
        kept = {name: getattr(told, name) for name in ("model", "fingerprint", "dims", "longest")}
        about = {**kept, "cut": cut, "exact": total <= EXACT}
    if total <= EXACT:
        return exact(parts, total, asked), about
    filled = [(segment, numbers) for segment, numbers in needed if segment.count]
    return _approximate(store, filled, parts, found, asked), about


def _place(segment: Segment, found: Embedder) -> Path:
    return segment.folder / f"vectors-{found.fingerprint}.npy"


def manifest_of(store: Store, found: Embedder) -> Manifest | None:
    """What is known of this model's vectors; None before the first."""
    try:
        raw = (store.folder / f"vectors-{found.fingerprint}.json").read_bytes()
        return msgspec.json.decode(raw, type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None


def _embed(store: Store, segment: Segment, found: Embedder, model: str) -> None:
    """The segment's vectors, written aside and renamed; nothing where they are there."""
    import numpy

    if _place(segment, found).exists() or not segment.count:
        return
    texts = [words_of(chunk).strip() for chunk in segment.chunks()]
    vectors = found.passages(texts)
    before = manifest_of(store, found)
    cut = (before.cut if before else {}) | {str(segment.number): sum(n > found.longest for n in found.tokens(texts))}
    told = Manifest(
        model=model,
        fingerprint=found.fingerprint,
        dims=vectors.shape[1],
        poolings=found.poolings,
        longest=found.longest,
        cut=cut,
    )
    _write(store.folder / f"vectors-{found.fingerprint}.json", msgspec.json.format(msgspec.json.encode(told)))
    aside = segment.folder / f".new-{os.getpid()}.npy"
    with aside.open("wb") as file:
        numpy.save(file, vectors)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, _place(segment, found))


def _write(path: Path, raw: bytes) -> None:
    aside = path.with_name(f".new-{os.getpid()}")
    aside.write_bytes(raw)
    os.replace(aside, path)


def _approximate(
    store: Store,
    needed: Sequence[tuple[Segment, Any]],
    parts: Sequence[tuple[Any, Any]],
    found: Embedder,
    asked: Callable[[str], Any],
) -> Nearest:
    """usearch's graph over all vectors, brought up to date; its keys are segment and row, so they never change."""
    import numpy

    try:
        from usearch.index import Index as Graph
    except ModuleNotFoundError:
        raise InputError("retrieval.no_ann", most=EXACT) from None
    path = store.folder / f"graph-{found.fingerprint}.usearch"
    graph = Graph(ndim=parts[0][0].shape[1], metric="ip", dtype="f32")
    if path.exists():
        graph.load(str(path))
    living = sum(int((numbers >= 0).sum()) for _, numbers in needed)
    if len(graph) > 2 * living:
        graph.reset()
    changed = False
    for (segment, _), (vectors, _) in zip(needed, parts, strict=True):
        if (segment.number << SHIFT) not in graph:
            graph.add(numpy.arange(len(vectors), dtype=numpy.uint64) + (segment.number << SHIFT), vectors)
            changed = True
    if changed:
        aside = path.with_name(f".new-{os.getpid()}.usearch")
        graph.save(str(aside))
        os.replace(aside, path)
    numbers_of = {segment.number: numbers for segment, numbers in needed}

    def search(question: str, count: int) -> list[tuple[int, float]]:
        dead = len(graph) - living
        hits = graph.search(asked(question), min(count + SPARE + min(dead, count), len(graph)))
        near = []
        for key, distance in zip(hits.keys.tolist(), hits.distances.tolist(), strict=True):
            own = numbers_of.get(key >> SHIFT)
            at = int(own[key & ((1 << SHIFT) - 1)]) if own is not None else -1
            if at >= 0:
                near.append((at, 1.0 - float(distance)))
        return near[:count]

    return search
