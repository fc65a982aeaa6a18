"""An index answers from the documents as they are: a changed file is read again, and only that one."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from advisor.answering import RetrievalSpec, Retriever, Terms
from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui import paths
from tuner_tui.retrieval.chunks import Chunk, chunks
from tuner_tui.retrieval.documents import listed, name_of, read
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.measure import Characters, Measure, measure_of
from tuner_tui.retrieval.shelf import sweep
from tuner_tui.retrieval.store import SEGMENT_CHUNKS, File, Manifest, Segment, Store
from tuner_tui.retrieval.terms import BIGRAMS, Cut, cutter, kiwi_name

Told = Callable[[int, int], None]


def of_recipe(recipe: Recipe, docs: Path, device: str = "cpu") -> Index:
    """The index of a recipe's documents, built or brought up to date in the store that belongs to its settings."""
    return build(docs, recipe.retrieval, measure_of(recipe), device=device)


def build(
    docs: Path,
    spec: RetrievalSpec | None = None,
    by: Measure | None = None,
    *,
    store: Path | None = None,
    device: str = "cpu",
    told: Told = lambda done, total: None,
) -> Index:
    """The index of a folder or file; `told` hears after each segment how many files are done.

    Without a `store`, the one below the home folder that belongs to these documents and settings.
    """
    spec = spec or RetrievalSpec()
    if spec.retriever is not Retriever.BM25 and spec.embedding is None:
        raise InputError("retrieval.no_embedding", retriever=spec.retriever)
    by = by or Characters()
    name = terms_name(spec.terms)
    rule = Manifest(terms=name, chunked_by=by.name, size=by.size, overlap=by.overlap)
    place = store or store_of(docs, rule)
    found = Store(place, rule)
    if store is None:
        sweep(place.parent)
    cut = cutter(name)
    # Before any reading: a model that cannot be used is named at once.
    embedder, rerank = _models(spec, device)
    with found.building():
        began = time.monotonic()
        done = _update(found, docs, by, cut, told)
        nearest, embedding = None, None
        if embedder is not None:
            from tuner_tui.retrieval.vectors import nearest_in

            nearest, embedding = nearest_in(found, done.needed, embedder, spec.embedding or "")
        if done.read:
            found.took(time.monotonic() - began, whole=done.read == done.files)
        passages, engine = found.opened()
    return Index(
        passages,
        engine=engine,
        cut=cut,
        nearest=nearest,
        rerank=rerank,
        retriever=spec.retriever.value,
        passages=spec.passages,
        absent=spec.absent,
        keep=found,
        about={
            "store": str(place),
            "terms": name,
            "embedding": embedding,
            "skipped": done.skipped,
            "files": done.files,
            **msgspec.to_builtins(found.times()),
        },
    )


def _models(spec: RetrievalSpec, device: str) -> tuple[Any, Any]:
    """The embedding model and the reranker's scores; None for what was not named."""
    if spec.embedding is None and spec.reranker is None:
        return None, None
    from tuner_tui.retrieval import models

    embedder = models.embedder(spec.embedding, device) if spec.embedding else None
    return embedder, models.reranker(spec.reranker, device).scores if spec.reranker else None


def terms_name(wanted: Terms) -> str:
    """The rule of cutting by its recorded name; InputError when kiwi was asked for and is not installed."""
    if wanted is Terms.BIGRAMS:
        return BIGRAMS
    name = kiwi_name()
    if name is None and wanted is Terms.KIWI:
        raise InputError("retrieval.no_kiwi")
    return name or BIGRAMS


def store_of(docs: Path, rule: Manifest) -> Path:
    """Where the index of these documents by this rule is kept."""
    said = msgspec.json.encode([_plain(docs), *rule.rule])
    return paths.home() / "indexes" / hashlib.sha256(said).hexdigest()[:24]


def _plain(path: Path) -> str:
    """The whole path as text that can be encoded, whatever bytes the file system holds."""
    return os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")


class Updated(NamedTuple):
    """Every segment needed, with its passages' numbers; what could not be read; the files, and how many were read."""

    needed: list[tuple[Segment, Any]]
    skipped: dict[str, InputError]
    files: int
    read: int


def _update(store: Store, docs: Path, by: Measure, cut: Cut, told: Told) -> Updated:
    """Read what is new, join it where anything changed.

    What could not be read is tried again at the next build, for its remedy may leave no mark on the file. InputError
    when no file could be read.
    """
    found = listed(docs)
    now, skipped = found.files, found.shut
    kept = _kept(store.all_segments(), now)
    fresh = [path for path in now if path not in kept]
    before = len(skipped)
    done = len(now) - len(fresh)
    for files, passages in _batches(fresh, now, docs, by, skipped):
        store.add(files, passages, cut)
        done += len(files)
        told(done + len(skipped) - before, len(now))
    now = {path: state for path, state in now.items() if name_of(path, docs) not in skipped}
    if not now:
        raise next(iter(skipped.values()))
    kept = _kept(store.all_segments(), now)
    needed = _living(kept, list(now))
    made_of = [(kept[path][1].name, kept[path][0].number) for path in now]
    files_hash = hashlib.sha256(msgspec.json.encode(made_of)).hexdigest()
    manifest = store.manifest()
    if manifest is None or manifest.built is None or manifest.files != files_hash:
        store.join(needed, files_hash)
    return Updated(needed, skipped, len(now), sum(path in now for path in fresh))


def _kept(segments: list[Segment], now: dict[Path, os.stat_result]) -> dict[Path, tuple[Segment, File]]:
    """Of each file that did not change since, the newest reading; a segment that is half dead is read anew."""
    known = {_plain(path): (path, status.st_size, status.st_mtime_ns) for path, status in now.items()}
    found: dict[Path, tuple[Segment, File]] = {}
    for segment in segments:
        same = [each for each in segment.files if known.get(each.path, ())[1:] == (each.size, each.changed_ns)]
        if 2 * sum(each.count for each in same) >= segment.count:
            found.update((known[each.path][0], (segment, each)) for each in same)
    return found


def _living(kept: dict[Path, tuple[Segment, File]], files: list[Path]) -> list[tuple[Segment, Any]]:
    """Each segment with its passages' numbers in the order of the files; -1 for a passage that is no more."""
    import numpy

    numbers: dict[int, tuple[Segment, Any]] = {}
    at = 0
    for path in files:
        segment, file = kept[path]
        _, own = numbers.setdefault(segment.number, (segment, numpy.full(segment.count, -1, dtype=numpy.int32)))
        own[file.first : file.first + file.count] = numpy.arange(at, at + file.count, dtype=numpy.int32)
        at += file.count
    return [numbers[number] for number in sorted(numbers)]


def _batches(
    files: list[Path], now: dict[Path, os.stat_result], docs: Path, by: Measure, skipped: dict[str, InputError]
) -> Iterator[tuple[list[File], list[Chunk]]]:
    """The files read and cut, a segment's worth at a time; a file is never parted.

    A file is kept with its state from before the reading: one that changed meanwhile is read again at the next build.
    What cannot be read goes to `skipped`.
    """
    batch: list[File] = []
    held: list[Chunk] = []
    for path in files:
        try:
            document = read(path, docs)
        except InputError as error:
            skipped[name_of(path, docs)] = error
            continue
        found = chunks(document, by)
        batch.append(
            File(
                path=_plain(path),
                name=document.name,
                size=now[path].st_size,
                changed_ns=now[path].st_mtime_ns,
                sha256=document.sha256,
                first=len(held),
                count=len(found),
            )
        )
        held += found
        if len(held) >= SEGMENT_CHUNKS:
            yield batch, held
            batch, held = [], []
    if batch:
        yield batch, held
