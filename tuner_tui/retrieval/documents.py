"""A document is read as text or named as left out; what a file holds is never run, followed or fetched."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import unicodedata
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import msgspec

from advisor.errors import InputError
from tuner_tui.inspect.encoding import UTF8, encoding_of
from tuner_tui.inspect.pages import declared_encoding, pdf_text
from tuner_tui.inspect.rows import Bad

SUFFIXES = (".txt", ".md", ".markdown", ".rst", ".html", ".htm", ".docx", ".pdf")
ALLOWED = ", ".join(SUFFIXES)
MAX_BYTES = 1 << 26
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HIDDEN = ("script", "style", "template", "noscript", "head")
HEADS = ("h1", "h2", "h3", "h4", "h5", "h6")
BREAKS = ("p", "div", "br", "li", "tr", *HEADS, "section", "article", "pre", "blockquote")


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file's text; `name` is its path inside the folder, `sha256` that of its bytes."""

    name: str
    text: str
    sha256: str


class Listing(NamedTuple):
    """What lies in a folder, in name order: files to read with their state, names of no documents, and what is shut."""

    files: dict[Path, os.stat_result]
    others: list[str]
    shut: dict[str, InputError]


def listed(path: Path) -> Listing:
    """A folder's files, or the file itself; hidden ones are passed over and links to folders are not followed.

    InputError when nothing could be read as a document.
    """
    if not path.exists():
        raise InputError("retrieval.missing", path=path)
    found = Listing({}, [], {})
    for each in [path] if path.is_file() else _all_in(path, found):
        if each.suffix.lower() not in SUFFIXES:
            found.others.append(name_of(each, path))
            continue
        try:
            state = each.stat()
        except OSError as error:  # a link to nothing or to itself; a file that went away meanwhile
            found.shut[name_of(each, path)] = InputError("retrieval.unreadable", path=each, detail=error.strerror)
            continue
        if stat.S_ISREG(state.st_mode):
            found.files[each] = state
    if not found.files:
        raise next(iter(found.shut.values()), InputError("retrieval.no_documents", path=path, allowed=ALLOWED))
    return found


def _all_in(folder: Path, found: Listing) -> list[Path]:
    def shut(error: OSError) -> None:
        place = Path(error.filename)
        wrong = InputError("retrieval.unreadable", path=place, detail=error.strerror)
        found.shut[name_of(place, folder)] = wrong

    paths: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=shut):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(root) / name for name in names if not name.startswith(".")]
    return sorted(paths)


def name_of(path: Path, root: Path) -> str:
    """How a file is cited: its path inside the folder, in one Unicode form whatever the file system keeps."""
    inside = path.name if root.is_file() else path.relative_to(root).as_posix()
    return unicodedata.normalize("NFC", os.fsencode(inside).decode("utf-8", "backslashreplace"))


def read(path: Path, root: Path) -> Document:
    """One document; InputError names a file that is too large, broken, in an unknown encoding or not to be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError("retrieval.too_large", path=path, most=MAX_BYTES)
        raw = path.read_bytes()
    except OSError as error:
        raise InputError("retrieval.unreadable", path=path, detail=error.strerror) from None
    return Document(name=name_of(path, root), text=_text(path, raw), sha256=hashlib.sha256(raw).hexdigest())


def _text(path: Path, raw: bytes) -> str:
    suffix = path.suffix.lower()
    if suffix == ".docx":
        return _docx(path)
    if suffix == ".pdf":
        found = pdf_text(path)
        if isinstance(found, Bad):
            raise InputError(f"retrieval.{found.code}", path=path)
        return found
    page = suffix in (".html", ".htm")
    text = _decoded(path, raw, declared_encoding(raw) if page else None)
    return _html(text) if page else text


def _decoded(path: Path, raw: bytes, declared: str | None) -> str:
    """UTF-8, what a page says of itself, or the encoding that the bytes themselves tell (UTF-16, CP949, ...)."""
    told = encoding_of(raw)
    for name in ("utf-8-sig" if told == UTF8 else told, declared, "utf-8-sig"):
        with contextlib.suppress(UnicodeDecodeError, LookupError):
            if name:
                return raw.decode(name)
    try:
        return raw.decode(UTF8)
    except UnicodeDecodeError as error:
        raise InputError("retrieval.encoding", path=path, byte=error.start) from None


class _Visible(HTMLParser):
    """Collects the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        self._break(tag)
        if tag in HEADS:
            self.parts.append(f"{'#' * int(tag[1])} ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in HIDDEN and self._hidden > 0
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(" ".join(data.split()) + " " if data.strip() else " ")

    def _break(self, tag: str) -> None:
        if tag in BREAKS:
            self.parts.append("\n\n")


def _html(text: str) -> str:
    parser = _Visible()
    parser.feed(text)
    parser.close()
    lines = ("".join(parser.parts)).split("\n\n")
    return "\n\n".join(" ".join(line.split()) for line in lines if line.strip())


def _docx(path: Path) -> str:
    """The paragraphs of a Word file (ECMA-376), headings marked as in Markdown.

    Entities are refused, so that a small file cannot grow huge.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            root = _xml(archive, "word/document.xml", path)
            styles = _xml(archive, "word/styles.xml", path) if "word/styles.xml" in archive.namelist() else None
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError, RuntimeError):
        raise InputError("retrieval.broken", path=path) from None
    levels = _levels(styles)
    paragraphs = (
        (_level(each, levels), "".join(node.text or "" for node in each.iter(f"{WORD}t")))
        for each in root.iter(f"{WORD}p")
    )
    return "\n\n".join(f"{'#' * level} {text}" if level else text for level, text in paragraphs if text.strip())


def _xml(archive: zipfile.ZipFile, name: str, path: Path) -> ElementTree.Element:
    info = archive.getinfo(name)
    if info.file_size > MAX_BYTES:
        raise InputError("retrieval.too_large", path=path, most=MAX_BYTES)
    raw = archive.read(info)
    if re.search(rb"<!(DOCTYPE|ENTITY)", raw):
        raise InputError("retrieval.broken", path=path)
    return ElementTree.fromstring(raw)


def _levels(styles: ElementTree.Element | None) -> dict[str, int]:
    """The heading level of each paragraph style that is one: its name is `heading N` in every language of Word."""
    found = {"Title": 1, **{f"Heading{level}": level for level in range(1, 7)}}
    for style in styles.iter(f"{WORD}style") if styles is not None else ():
        name = style.find(f"{WORD}name")
        match = re.fullmatch(r"heading ([1-6])", name.get(f"{WORD}val", "").lower()) if name is not None else None
        if match:
            found[style.get(f"{WORD}styleId", "")] = int(match.group(1))
    return found


def _level(paragraph: ElementTree.Element, levels: dict[str, int]) -> int:
    style = paragraph.find(f"{WORD}pPr/{WORD}pStyle")
    return levels.get(style.get(f"{WORD}val", ""), 0) if style is not None else 0
