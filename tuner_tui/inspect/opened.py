"""A path is what its bytes say it is, not what its name says: kind, packing and encoding come from the content."""

from __future__ import annotations

import codecs
import contextlib
import csv
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.encoding import UTF8, encoding_of, suggested

HEAD_BYTES = 65536
LOOKED_AT = 1 << 23
ZST_BYTES = 1 << 17
FOREIGN = re.compile(rb"[\x80-\xff]")
ARCHIVE = b"PK\x03\x04"
BINARY = (b"PAR1", b"ARROW1", b"\xff\xff\xff\xff", b"%PDF-", ARCHIVE)
CHUNK_BYTES = 1 << 19
"""Small enough that a block of rows stays in the processor's cache while it is judged."""
ROW_BYTES_MAX = 1 << 26
BOMB_BYTES, BOMB_RATIO = 1 << 30, 500


class Container(StrEnum):
    """How rows lie in a file."""

    LINES = "json_lines"
    ARRAY = "json"
    TABLE = "csv"
    TEXT = "text"
    PARQUET = "parquet"
    ARROW = "arrow"
    PDF = "pdf"
    WORD = "docx"
    EMPTY = "empty"


SUFFIXES: dict[str, tuple[Container, ...]] = {
    ".jsonl": (Container.LINES,),
    ".ndjson": (Container.LINES,),
    ".json": (Container.ARRAY, Container.LINES),
    ".csv": (Container.TABLE,),
    ".tsv": (Container.TABLE,),
    ".parquet": (Container.PARQUET,),
    ".arrow": (Container.ARROW,),
    ".feather": (Container.ARROW,),
    ".txt": (Container.TEXT,),
    ".md": (Container.TEXT,),
    ".markdown": (Container.TEXT,),
    ".rst": (Container.TEXT,),
    ".html": (Container.TEXT,),
    ".htm": (Container.TEXT,),
    ".pdf": (Container.PDF,),
    ".docx": (Container.WORD,),
}
COMPRESSED = (".gz", ".zst", ".zstd")


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A readable file: where, what its content is, how it is packed and encoded, and what is odd about it."""

    path: Path
    container: Container
    packing: str | None = None
    encoding: str = UTF8
    guess: str | None = None
    """What bytes that are no UTF-8 may be."""
    old_ends: bool = False
    notes: list[str] = []

    @property
    def plain(self) -> bool:
        """Whether the bytes are lines of UTF-8 as they stand."""
        odd = self.packing or self.old_ends or self.encoding != UTF8 or "bom" in self.notes
        return self.container is Container.LINES and not odd

    def chunks(self) -> Iterator[bytes]:
        """The content in UTF-8 without byte-order mark; undecodable bytes stay as they are.

        A compressed stream that breaks off ends early, and `notes` says so from then on.
        """
        raw = unpacked(self.path, self.packing, self.notes)
        text = _without_bom(raw) if self.encoding == UTF8 else _recoded(raw, self.encoding)
        return (chunk.replace(b"\r", b"\n") for chunk in text) if self.old_ends else text


def open_file(path: Path, encoding: str | None = None) -> Opened:
    """Look at the first bytes of a regular file; InputError for what is no file or no text or table at all.

    `encoding` is what a person says it is; without, the bytes tell.
    """
    refuse_odd(path)
    packing = _packing(_read_head(path))
    head = b"".join(_first(_begun(unpacked(path, packing, [])), HEAD_BYTES))[:HEAD_BYTES]
    telling = _telling(path, packing, head)
    notes: list[str] = []
    binary = head.startswith(BINARY)
    encoding = UTF8 if binary else encoding_of(telling) if encoding is None else _known(encoding)
    if head.startswith(codecs.BOM_UTF8):
        notes.append("bom")
    if encoding != UTF8:
        notes.append("encoding")
    elif not binary and suggested(telling) is not None:
        notes.append("encoding_guess")
    text = head if encoding == UTF8 else head.decode(encoding, "replace").encode()
    text = text.removeprefix(codecs.BOM_UTF8)
    old_ends = not binary and b"\r" in text and b"\n" not in text
    container = _container(text.replace(b"\r", b"\n") if old_ends else text, path, packing)
    if _renamed(path, container, packing):
        notes.append("renamed")
    if old_ends and container in (Container.LINES, Container.TABLE):
        notes.append("line_ends")
    return Opened(
        path=path,
        container=container,
        packing=packing,
        encoding=encoding,
        guess=suggested(telling) if "encoding_guess" in notes else None,
        old_ends=old_ends,
        notes=notes,
    )


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks from the first that holds more than blanks; where none does, a blank."""
    for chunk in chunks:
        if not chunk.isspace():
            yield chunk.lstrip() if chunk[:HEAD_BYTES].isspace() else chunk
            yield from chunks
            return
    yield b"\n"


def _telling(path: Path, packing: str | None, head: bytes) -> bytes:
    """The bytes that tell the encoding: where all of the head is ASCII, what follows from the first that is not."""
    if not head.isascii() or 0 in head or 27 in head:
        return head
    for number, chunk in enumerate(unpacked(path, packing, [])):
        found = FOREIGN.search(chunk)
        if found is not None:
            return chunk[found.start() :][:HEAD_BYTES]
        if number * CHUNK_BYTES >= LOOKED_AT:
            break
    return head


def _known(encoding: str) -> str:
    """Python's name of an encoding; InputError when it is none."""
    try:
        b"a".decode(encoding, "replace")
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        raise InputError("inspect.encoding", encoding=encoding[:40]) from None
    return UTF8 if name in ("utf-8", "ascii", "utf-8-sig") else name


def refuse_odd(path: Path) -> None:
    """InputError when there is nothing, or a device, pipe or socket, that would hang or never end."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        code = "inspect.broken_link" if path.is_symlink() else "inspect.missing"
        raise InputError(code, path=_shown(path)) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise InputError("inspect.not_a_file", path=_shown(path))


def unpacked(path: Path, packing: str | None, notes: list[str] | None = None) -> Iterator[bytes]:
    """The decompressed bytes, chunk by chunk; InputError when the stream is damaged or a decompression bomb.

    With `notes`, a stream that breaks off after its first bytes ends there and "cut_stream" is noted.
    """
    size = os.stat(path).st_size
    limit = max(BOMB_BYTES, BOMB_RATIO * size)
    total = 0
    try:
        with path.open("rb") as file:
            for chunk in _gz(file) if packing == "gz" else _plain(_zst(path)) if packing else _up_to(file, size):
                total += len(chunk)
                if packing and total > limit:
                    raise InputError("inspect.bomb", path=_shown(path), gib=limit >> 30)
                yield chunk
    except (OSError, EOFError, ValueError, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        if packing and not total and (isinstance(error, EOFError) or "runcated" in str(error)):
            raise InputError("inspect.cut_stream", path=_shown(path)) from None
        if notes is None or not packing or not total:
            raise _unreadable(path, error) from None
        notes.append("cut_stream")


def _plain(stream: Any) -> Iterator[bytes]:
    """Read in small steps: a step in which the stream breaks off gives nothing of what was unpacked before."""
    while chunk := stream.read(ZST_BYTES):
        yield bytes(chunk)


def _up_to(file: IO[bytes], size: int) -> Iterator[bytes]:
    """A file as long as it was at first: one that is written to all the time would never end."""
    while size > 0 and (chunk := file.read(min(CHUNK_BYTES, size))):
        size -= len(chunk)
        yield chunk


def _zst(path: Path) -> Any:
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.OSFile(str(path), "rb"), "zstd")


def _gz(file: IO[bytes]) -> Iterator[bytes]:
    """All members of a gzip file; what was unpacked before the damage comes first, then EOFError or zlib.error."""
    member = zlib.decompressobj(31)
    while packed := file.read(CHUNK_BYTES):
        while packed:
            if chunk := member.decompress(packed, 4 * CHUNK_BYTES):
                yield chunk
            packed = member.unconsumed_tail
            if member.eof:
                packed = member.unused_data.lstrip(b"\0")
                if packed:
                    member = zlib.decompressobj(31)
    while not member.eof:
        chunk = member.decompress(member.unconsumed_tail, 4 * CHUNK_BYTES)
        if not chunk:
            raise EOFError("the compressed file breaks off")
        yield chunk


def _unreadable(path: Path, error: Exception) -> InputError:
    detail = getattr(error, "strerror", None) or str(error).partition("\n")[0] or type(error).__name__
    return InputError("inspect.unreadable", path=_shown(path), detail=detail)


def _shown(path: Path) -> str:
    from tuner_tui.safe import clean

    return clean(str(path))


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise _unreadable(path, error) from None


def _first(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        yield chunk
        size -= len(chunk)
        if size <= 0:
            return


def _packing(head: bytes) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        return "gz"
    return "zst" if head.startswith(b"\x28\xb5\x2f\xfd") else None


_TEXT_BYTES = bytes({*range(32, 256)} - {127} | {8, 9, 10, 12, 13, 27})


def _container(head: bytes, path: Path, packing: str | None) -> Container:
    if head.startswith(b"PAR1"):
        return Container.PARQUET
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return Container.ARROW
    if head.startswith(b"%PDF-"):
        return Container.PDF
    if head.startswith(ARCHIVE) or (head.startswith(ARCHIVE[:2]) and suffix_of(path, packing) == ".docx"):
        return _archive(path, packing)
    if not head.strip():
        return Container.EMPTY
    if head.count(0) > 0.01 * len(head) or len(head.translate(None, _TEXT_BYTES)) > 0.05 * len(head):
        raise InputError("inspect.binary", path=_shown(path))
    suffix = suffix_of(path, packing)
    expected = SUFFIXES.get(suffix, ())
    if Container.TEXT in expected:
        return _within_text(head.lstrip()) if suffix == ".txt" else Container.TEXT
    return _by_content(head.lstrip(), suffix, expected)


def _archive(path: Path, packing: str | None) -> Container:
    """A Word file is a ZIP archive; InputError for any other, whose files must be unpacked."""
    from tuner_tui.inspect.word import is_word

    if suffix_of(path, packing) == ".docx" or (packing is None and is_word(path)):
        return Container.WORD
    raise InputError("inspect.archive", path=_shown(path))


def _by_content(head: bytes, suffix: str, expected: tuple[Container, ...]) -> Container:
    if head.startswith(b"["):
        return Container.ARRAY
    if head.startswith(b"{"):
        first, _, rest = head.partition(b"\n")
        first = first.strip()
        if (suffix == ".json" and not rest.strip()) or _is_spread(head, len(first)):
            return Container.ARRAY
        return Container.LINES if _is_json(first) or suffix in (".jsonl", ".ndjson") else Container.ARRAY
    if Container.TABLE in expected or _is_table(head):
        return Container.TABLE
    return expected[0] if expected and expected[0] in (Container.LINES, Container.ARRAY) else Container.TEXT


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return line.endswith(b"}")
    return True


def _within_text(head: bytes) -> Container:
    """Rows are often saved as `.txt`: JSON lines, or three lines or more with the same tabs."""
    lines = [line for line in head.split(b"\n") if line.strip()][:6]
    if head.startswith(b"{") and all(map(_is_json, lines[: max(len(lines) - 1, 1)])):
        return Container.LINES
    return Container.TABLE if len(lines) >= 3 and _is_table(head, "\t") else Container.TEXT


def _is_spread(head: bytes, first: int) -> bool:
    """Whether the first object goes on after the first line: pretty-printed, not one a line."""
    text = head.decode("utf-8", "replace")
    try:
        return json.JSONDecoder().raw_decode(text)[1] > max(first, 1)
    except (ValueError, RecursionError):
        return text.partition("\n")[0].strip() == "{"


def _is_table(head: bytes, marks: str = "\t,;|") -> bool:
    """Two lines or more, cut into the same number (two or more) of cells by one separator."""
    text = head.decode("utf-8", "replace")
    lines = text.split("\n") if len(head) < HEAD_BYTES // 2 else text.split("\n")[:-1]
    return any(_is_even(cells) for mark in marks for cells in _cut(lines[:60], mark))


def _cut(lines: list[str], mark: str) -> Iterator[list[list[str]]]:
    """The first rows by the rules of quotation; between tabs a quotation mark may also be a letter like any other."""
    with contextlib.suppress(csv.Error):
        yield [row for row in csv.reader(lines, delimiter=mark) if row][:6]
    if mark == "\t":
        yield [line.split(mark) for line in lines if line][:6]


def _is_even(cells: list[list[str]]) -> bool:
    return len(cells) >= 2 and len(cells[0]) >= 2 and len(set(map(len, cells[:4]))) == 1


def suffix_of(path: Path, packing: str | None = None) -> str:
    """The suffix that tells the kind: of `x.jsonl.gz` it is `.jsonl`."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in COMPRESSED else suffix


def _renamed(path: Path, container: Container, packing: str | None) -> bool:
    if container is Container.EMPTY:
        return False
    expected = SUFFIXES.get(suffix_of(path))
    wrong = expected is not None and container not in expected
    return wrong or (packing is not None) != (path.suffix.lower() in COMPRESSED)


def _without_bom(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from chunks


def _recoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chunks:
        yield decoder.decode(chunk).removeprefix("\ufeff").encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
