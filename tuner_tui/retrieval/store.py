"""What was read stays read: a build that is killed at any moment goes on where it was; nobody ever reads half of it.

A store is a folder. `segments/N/` holds the passages of some files with their counted terms (and their vectors, one
file an embedding model); it is written aside, synced and renamed, and never changed. `built-N/` is all living segments
as one bm25s index. `manifest.json` says which of them is valid, and is replaced last.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, overload

import msgspec

from advisor.errors import InputError
from tuner_tui.retrieval.bm25 import Part, counted, engine, scored
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.index import words_of
from tuner_tui.retrieval.shelf import use
from tuner_tui.retrieval.terms import Cut

FORMAT = 2
SEGMENT_CHUNKS = 1024
EMPTY_BYTES = 128
OPEN = 64


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it was read: its size and time of change, its hash, and which passages of the segment are its own."""

    path: str
    name: str
    size: int
    changed_ns: int
    sha256: str
    first: int
    count: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """By what rule everything here was cut and counted, which build is valid, and a hash of what it was made of.

    `last` is the highest number that a segment ever had: it is never given to another one.
    """

    format: int = FORMAT
    terms: str
    chunked_by: str
    size: int
    overlap: int
    built: str | None = None
    files: str = ""
    last: int = 0

    @property
    def rule(self) -> tuple[Any, ...]:
        """What must agree, or question and passage are cut in two ways."""
        return (self.format, self.terms, self.chunked_by, self.size, self.overlap)


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the last build from nothing and of the last update; None where there was none in one go."""

    build_s: float | None = None
    update_s: float | None = None


class Segment:
    """One immutable folder of passages."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, int(folder.name)
        self.files = msgspec.msgpack.decode((folder / "files").read_bytes(), type=list[File])
        self.count = sum(each.count for each in self.files)

    def part(self) -> Part:
        """Its counted terms."""
        import numpy

        vocabulary = msgspec.msgpack.decode((self.folder / "vocabulary").read_bytes(), type=list[str])
        with numpy.load(self.folder / "counts.npz") as held:
            return Part(vocabulary, held["starts"], held["docs"], held["times"], held["lengths"])

    def borders(self) -> Any:
        """Where each passage begins in `chunks`, and where the last one ends."""
        import numpy

        return numpy.load(self.folder / "borders.npy")

    def chunks(self) -> list[Chunk]:
        """All its passages."""
        raw, borders = (self.folder / "chunks").read_bytes(), self.borders().tolist()
        return [_chunk(raw[start:end]) for start, end in pairwise(borders)]


CHUNK = msgspec.msgpack.Decoder(Chunk)


def _chunk(raw: bytes) -> Chunk:
    return CHUNK.decode(raw)


class Passages(Sequence[Chunk]):
    """The passages of a build in the order of their files, each read from disk when it is asked for.

    The last OPEN segments that were read stay open: opening one for each passage was a fifth of a search.
    """

    def __init__(self, segments: Path, places: Any) -> None:
        self._segments, self._places = str(segments), places
        self._open: dict[int, int] = {}

    def __del__(self) -> None:
        for file in self._open.values():
            os.close(file)

    def _file(self, segment: int) -> int:
        """The descriptor of a segment's passages."""
        file = self._open.pop(segment, None)
        if file is None:
            if len(self._open) >= OPEN:
                os.close(self._open.pop(next(iter(self._open))))
            file = os.open(f"{self._segments}/{segment}/chunks", os.O_RDONLY | os.O_CLOEXEC)
        self._open[segment] = file
        return file

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Chunk: ...
    @overload
    def __getitem__(self, at: slice) -> list[Chunk]: ...
    def __getitem__(self, at: int | slice) -> Chunk | list[Chunk]:
        if isinstance(at, slice):
            return [self[each] for each in range(*at.indices(len(self)))]
        segment, start, end = self._places[at].tolist()
        return _chunk(os.pread(self._file(segment), end - start, start))


class Store:
    """The folder, opened; whoever holds it keeps others from removing what it reads."""

    def __init__(self, folder: Path, rule: Manifest) -> None:
        self.folder, self.rule = folder, rule
        self.segments = folder / "segments"
        self._reading = use(folder)
        self.segments.mkdir(exist_ok=True)
        known = self.manifest()
        if known is not None and known.rule != rule.rule:
            raise InputError("retrieval.mismatch", path=folder, before=_told(known), now=_told(rule))

    def __del__(self) -> None:
        if hasattr(self, "_reading"):
            os.close(self._reading)

    def manifest(self) -> Manifest | None:
        """What the last build left; None where there is none, or where it cannot be read."""
        try:
            return msgspec.json.decode((self.folder / "manifest.json").read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError):
            return None

    def times(self) -> Times:
        """What building took here."""
        try:
            return msgspec.json.decode((self.folder / "times.json").read_bytes(), type=Times)
        except (OSError, msgspec.MsgspecError):
            return Times()

    def took(self, seconds: float, *, whole: bool) -> None:
        """Note what a build of the `whole` took, or an update."""
        name = "build_s" if whole else "update_s"
        told = msgspec.structs.replace(self.times(), **{name: round(seconds, 3)})
        self._put("times.json", msgspec.json.encode(told))

    @contextmanager
    def building(self) -> Iterator[None]:
        """One builder at a time; the others wait. The system frees the lock when the builder ends, however it ends."""
        lock = os.open(self.folder / ".building", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for torn in self.folder.glob("**/.new-*"):
                shutil.rmtree(torn) if torn.is_dir() else torn.unlink()
            yield
        finally:
            os.close(lock)

    def all_segments(self) -> list[Segment]:
        """Every whole segment, oldest first; a broken one is removed and its files are read again."""
        found = []
        for folder in sorted((each for each in self.segments.iterdir() if each.name.isdigit()), key=_number):
            try:
                found.append(Segment(folder))
            except (OSError, msgspec.MsgspecError):
                shutil.rmtree(folder)
        return found

    def add(self, files: Sequence[File], passages: Sequence[Chunk], cut: Cut) -> None:
        """One more segment; `files` say which passages are theirs."""
        import numpy

        with self._aside(self.segments) as aside:
            raw = [msgspec.msgpack.encode(chunk) for chunk in passages]
            borders = numpy.concatenate([[0], numpy.cumsum([len(each) for each in raw])]).astype(numpy.int64)
            part = counted(cut([words_of(chunk) for chunk in passages]))
            (aside / "chunks").write_bytes(b"".join(raw))
            (aside / "vocabulary").write_bytes(msgspec.msgpack.encode(part.vocabulary))
            numpy.save(aside / "borders.npy", borders)
            numpy.savez(
                aside / "counts.npz", starts=part.starts, docs=part.docs, times=part.times, lengths=part.lengths
            )
            (aside / "files").write_bytes(msgspec.msgpack.encode(list(files)))
            _synced(aside, self.segments / str(self._last() + 1))

    def _last(self) -> int:
        """The highest number that a segment ever had."""
        known = self.manifest()
        numbers = (_number(each) for each in self.segments.iterdir() if each.name.isdigit())
        return max([*numbers, known.last if known else 0])

    @contextmanager
    def _aside(self, parent: Path) -> Iterator[Path]:
        aside = parent / f".new-{os.getpid()}"
        aside.mkdir()
        try:
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def join(self, living: Sequence[tuple[Segment, Any]], files: str) -> None:
        """Make the living segments one index and the store's valid build; each comes with its passages' numbers."""
        import numpy

        total = sum(int((numbers >= 0).sum()) for _, numbers in living)
        at = 1 + max((_number(each) for each in self.folder.glob("built-*")), default=0)
        with self._aside(self.folder) as aside:

            def empty(name: str, kind: str, size: int) -> Any:
                path = aside / f"{name}.csc.index.npy"
                if not size:  # an empty file cannot be mapped
                    numpy.save(path, numpy.empty(0, dtype=kind))
                    return numpy.empty(0, dtype=kind)
                return numpy.lib.format.open_memmap(path, "w+", dtype=kind, shape=(size,))

            index = scored([(segment.part, numbers) for segment, numbers in living], empty)
            places = numpy.zeros((total, 3), dtype=numpy.int64)
            for segment, numbers in living:
                alive, borders = numbers >= 0, segment.borders()
                places[numbers[alive]] = numpy.stack(
                    [numpy.full(int(alive.sum()), segment.number), borders[:-1][alive], borders[1:][alive]], axis=1
                )
            numpy.save(aside / "places.npy", places)
            (aside / "vocab.index.json").write_bytes(msgspec.json.encode(index["vocabulary"]))
            (aside / "params.index.json").write_bytes(msgspec.json.encode(_parameters(total)))
            for name in ("data", "indices", "indptr"):
                if isinstance(index[name], numpy.memmap):
                    index[name].flush()
            del index
            _synced(aside, self.folder / f"built-{at}")
        self._valid(msgspec.structs.replace(self.rule, built=f"built-{at}", files=files, last=self._last()))
        self._clean([segment for segment, _ in living])

    def _valid(self, manifest: Manifest) -> None:
        self._put("manifest.json", msgspec.json.encode(manifest))

    def _put(self, name: str, raw: bytes) -> None:
        aside = self.folder / f".new-{os.getpid()}"
        aside.write_bytes(msgspec.json.format(raw))
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, self.folder / name)

    def _clean(self, living: Iterable[Segment]) -> None:
        """Remove what no build needs, unless someone else reads here now."""
        kept = {str(each.number) for each in living}
        now = self.manifest()
        try:
            fcntl.flock(self._reading, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for folder in self.segments.iterdir():
                if folder.name.isdigit() and folder.name not in kept:
                    shutil.rmtree(folder)
            for folder in self.folder.glob("built-*"):
                if now is not None and folder.name != now.built:
                    shutil.rmtree(folder)
        except BlockingIOError:
            pass
        finally:
            fcntl.flock(self._reading, fcntl.LOCK_SH)  # a refused change of the lock may have dropped it

    def opened(self) -> tuple[Passages, Any]:
        """The passages of the valid build and the engine that scores them, memory-mapped."""
        manifest = self.manifest()
        if manifest is None or manifest.built is None:
            raise InputError("retrieval.unbuilt", path=self.folder)
        folder = self.folder / manifest.built
        places = _mapped(folder / "places.npy")
        index: dict[str, Any] = {"num_docs": len(places)}
        for name in ("data", "indices", "indptr"):
            index[name] = _mapped(folder / f"{name}.csc.index.npy")
        index["vocabulary"] = msgspec.json.decode((folder / "vocab.index.json").read_bytes())
        return Passages(self.segments, places), engine(index)


def _parameters(total: int) -> dict[str, Any]:
    """What bm25s keeps beside its arrays, so that `bm25s.BM25.load` opens the folder too."""
    from tuner_tui.retrieval.bm25 import K1, B

    return {
        "k1": K1,
        "b": B,
        "delta": 0.5,
        "method": "lucene",
        "idf_method": "lucene",
        "dtype": "float32",
        "int_dtype": "int32",
        "num_docs": total,
        "version": "0.3.16",
        "backend": "numpy",
    }


def _mapped(path: Path) -> Any:
    """An array where it lies; as a plain array, for numpy's class for mapped ones makes every slice slow."""
    import numpy

    empty = path.stat().st_size <= EMPTY_BYTES
    return numpy.load(path, mmap_mode=None if empty else "r").view(numpy.ndarray)


def _number(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


def _told(manifest: Manifest) -> str:
    return f"{manifest.terms}, {manifest.chunked_by} {manifest.size}/{manifest.overlap}"


def _synced(aside: Path, place: Path) -> None:
    """Everything on disk before the name is: a power cut leaves the whole folder or none."""
    for path in (*aside.iterdir(), aside):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    os.rename(aside, place)
