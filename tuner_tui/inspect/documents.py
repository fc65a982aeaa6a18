"""A folder of documents counts each document once, and every file that is not one is named as left out."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path

import msgspec

from tuner_tui.inspect.held import is_test
from tuner_tui.inspect.opened import Container, Opened, open_file, suffix_of
from tuner_tui.inspect.pages import declared_encoding, html_text, looks_like_html, pdf_text
from tuner_tui.inspect.rows import Bad, Block
from tuner_tui.inspect.word import word_text

DATASET_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow")
DOCUMENT_SUFFIXES = (".txt", ".md", ".markdown", ".rst", ".html", ".htm", ".docx", ".pdf")
ABOUT = ("README", "LICENSE", "LICENCE", "NOTICE", "CHANGELOG", "DATASET_CARD", "CITATION")
MAX_DOCUMENT_BYTES, PIECE_BYTES, UNBROKEN_BYTES = 1 << 26, 1 << 20, 1 << 23
BLOCK_BYTES, BLOCK_DOCUMENTS = 1 << 20, 200


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds: documents, or the parts of one dataset, what is neither, and the splits that are read."""

    documents: list[Path] = []
    parts: list[Path] = []
    held: list[Path] = []
    others: list[str] = []
    splits: list[str] = []


def look(folder: Path) -> Folder:
    """The files of a folder in name order, hidden ones left out; a saved dataset is its training split."""
    saved = _saved_dataset(folder)
    if saved is not None:
        return saved
    documents: list[Path] = []
    parts: list[Path] = []
    others: list[str] = []
    for path in files_in(folder):
        suffix = suffix_of(path)
        if suffix in DOCUMENT_SUFFIXES:
            documents.append(path)
        elif suffix in DATASET_SUFFIXES:
            parts.append(path)
        else:
            others.append(path.name)
    if parts and all(path.stem.upper() in ABOUT for path in documents):
        return _split(parts, others + [path.name for path in documents])
    if documents:
        return Folder(documents=documents, others=[path.name for path in parts] + others)
    return _split(parts, others)


def _split(parts: list[Path], others: list[str]) -> Folder:
    """Parts whose names say that they are held out are not training data; when all say so, none is taken away."""
    held = [path for path in parts if is_test(path)]
    kept = [path for path in parts if path not in held]
    if not kept or not held:
        return Folder(parts=parts, others=others)
    return Folder(parts=kept, held=held, others=others, splits=[path.name for path in kept])


def files_in(folder: Path) -> Iterator[Path]:
    """All that lies in a folder in name order, links to nothing and shut folders too; hidden ones are left out."""
    shut: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=lambda error: shut.append(Path(error.filename))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root) / name for name in sorted(names) if not name.startswith("."))
    yield from shut


def _saved_dataset(folder: Path) -> Folder | None:
    """What `datasets.save_to_disk` writes: `state.json` names the Arrow files, `dataset_dict.json` the splits."""
    splits = _json(folder / "dataset_dict.json").get("splits")
    if isinstance(splits, list) and splits:
        names = [str(name) for name in splits]
        chosen = "train" if "train" in names else names[0]
        inner = _saved_dataset(folder / chosen)
        tests = [name for name in names if name != chosen and is_test(Path(name))]
        held = _saved_dataset(folder / tests[0]) if tests else None
        kept = held.parts if held else []
        return msgspec.structs.replace(inner, splits=[chosen], held=kept) if inner else None
    files = _json(folder / "state.json").get("_data_files")
    if not isinstance(files, list):
        return None
    names = [str(file.get("filename")) for file in files if isinstance(file, dict)]
    return Folder(parts=[folder / Path(name).name for name in names])


def _json(path: Path) -> dict[str, object]:
    try:
        raw = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return raw if isinstance(raw, dict) else {}


def document_rows(paths: list[Path], notes: list[tuple[str, str]], encoding: str | None = None) -> Iterator[Block]:
    """One row a document: its text under `text`, its name under `file`; in blocks of a megabyte or so.

    A text of more than MAX_DOCUMENT_BYTES becomes rows of PIECE_BYTES or so, and `notes` gets "pieces" with its name.
    """
    rows: list[dict[str, str] | Bad] = []
    lines: list[bytes] = []
    size = 0
    for path, row in chain.from_iterable(_documents(path, notes, encoding) for path in paths):
        line = row["text"].encode() if isinstance(row, dict) else path.name.encode("utf-8", "replace")
        rows.append(row)
        lines.append(line)
        size += len(line)
        if size >= BLOCK_BYTES or len(rows) >= BLOCK_DOCUMENTS:
            yield Block(rows, lines)
            rows, lines, size = [], [], 0
    if rows:
        yield Block(rows, lines)


def _documents(
    path: Path, notes: list[tuple[str, str]], encoding: str | None
) -> Iterator[tuple[Path, dict[str, str] | Bad]]:
    """The rows of one file: one, or pieces of a large text."""
    from advisor.errors import InputError

    try:
        opened = open_file(path, encoding)
        large = path.stat().st_size > MAX_DOCUMENT_BYTES
    except (InputError, OSError):
        yield path, _document(path, encoding)
        return
    if opened.container is not Container.TEXT or not large or is_page(path):
        yield path, _document(path, encoding)
        return
    notes.append(("pieces", path.name))
    for number, raw in enumerate(_pieces(opened.chunks()), 1):
        try:
            yield path, {"file": path.name, "part": str(number), "text": raw.decode("utf-8")}
        except UnicodeDecodeError as error:
            yield path, Bad("not_utf8", f"{path.name}, part {number}: byte {error.start + 1}")


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A text cut between paragraphs, else between lines, else (8 times too long) between letters."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        end = chunk.rfind(b"\n\n") + 2 if b"\n\n" in chunk else chunk.rfind(b"\n") + 1
        if size < (PIECE_BYTES if end else UNBROKEN_BYTES):
            held.append(chunk)
            continue
        end = end or _letter_end(chunk)
        yield b"".join([*held, chunk[:end]])
        held, size = [chunk[end:]], len(chunk) - end
    rest = b"".join(held)
    if rest.strip():
        yield rest


def _letter_end(raw: bytes) -> int:
    """Where the last letter begins when it has several bytes, for it may go on; else the end."""
    end = len(raw)
    while end > len(raw) - 4 and raw[end - 1] & 0xC0 == 0x80:
        end -= 1
    return end - 1 if raw[end - 1] >= 0xC0 else len(raw)


def _document(path: Path, encoding: str | None) -> dict[str, str] | Bad:
    from advisor.errors import InputError

    try:
        text = text_of(path, encoding)
    except InputError as error:
        return Bad("not_readable", f"{path.name}: {error.code}")
    except UnicodeDecodeError as error:
        return Bad("not_utf8", f"{path.name}: byte {error.start + 1}")
    if isinstance(text, Bad):
        return Bad(text.code, f"{path.name}: {text.detail}" if text.detail else path.name)
    return {"file": path.name, "text": text}


def text_of(path: Path, encoding: str | None = None) -> str | Bad:
    """What a reader sees of a document, for inspection and index alike; Bad where its own format stands in the way.

    InputError when it cannot be read, UnicodeDecodeError when its encoding is not known.
    """
    opened = open_file(path, encoding)
    if opened.container is Container.EMPTY:
        return ""
    raw = _whole(opened)
    if raw is None:
        return Bad("row_too_large")
    if opened.container is Container.PDF:
        return pdf_text(BytesIO(raw))
    return word_text(BytesIO(raw)) if opened.container is Container.WORD else _text(path, raw)


def _whole(opened: Opened) -> bytes | None:
    """All of a document; None when it is too large to be one."""
    chunks, size = [], 0
    for chunk in opened.chunks():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_DOCUMENT_BYTES:
            return None
    return b"".join(chunks)


def _text(path: Path, raw: bytes) -> str:
    """Text as it is; of a page what a reader sees, in the encoding that it names where it is not UTF-8."""
    page = is_page(path) or looks_like_html(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        named = declared_encoding(raw) if page else None
        if named is None or not _is_encoding(named):
            raise
        text = raw.decode(named)
    return html_text(text) if page else text


def _is_encoding(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def is_page(path: Path) -> bool:
    """Whether a name is that of a web page."""
    return suffix_of(path) in (".html", ".htm")
