"""A document is read as text or named as left out; what a file holds is never run, followed or fetched."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from advisor.errors import InputError

SUFFIXES = (".txt", ".md", ".markdown", ".rst", ".html", ".htm", ".docx")
MAX_BYTES = 1 << 26
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HIDDEN = ("script", "style", "template", "noscript", "head")
BREAKS = ("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article", "pre", "blockquote")


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file's text; `name` is its path inside the folder, `sha256` that of its bytes."""

    name: str
    text: str
    sha256: str


def files_of(path: Path) -> list[Path]:
    """The readable files of a folder (or the file itself) in name order; InputError when there is none."""
    if not path.exists():
        raise InputError("retrieval.missing", path=path)
    found = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    kept = [each for each in found if each.suffix.lower() in SUFFIXES and not each.name.startswith(".")]
    if not kept:
        raise InputError("retrieval.no_documents", path=path, allowed=", ".join(SUFFIXES))
    return kept


def left_out(path: Path) -> list[str]:
    """Names of the files of a folder that cannot be read as documents."""
    if path.is_file():
        return []
    return sorted(
        str(each.relative_to(path))
        for each in path.rglob("*")
        if each.is_file() and each.suffix.lower() not in SUFFIXES and not each.name.startswith(".")
    )


def read(path: Path, root: Path) -> Document:
    """One document; InputError names a file that is too large, broken or not UTF-8."""
    if path.stat().st_size > MAX_BYTES:
        raise InputError("retrieval.too_large", path=path, most=MAX_BYTES)
    raw = path.read_bytes()
    name = path.name if root.is_file() else path.relative_to(root).as_posix()
    return Document(name=name, text=_text(path, raw), sha256=hashlib.sha256(raw).hexdigest())


def documents(path: Path) -> Iterator[Document]:
    """All documents of a folder, in name order."""
    for each in files_of(path):
        yield read(each, path)


def _text(path: Path, raw: bytes) -> str:
    suffix = path.suffix.lower()
    if suffix == ".docx":
        return _docx(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("retrieval.encoding", path=path, byte=error.start) from None
    return _html(text) if suffix in (".html", ".htm") else text


class _Visible(HTMLParser):
    """Collects the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        self._break(tag)

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
    """The paragraphs of a Word file (ECMA-376); entities are refused, so that a small file cannot grow huge."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo("word/document.xml")
            if info.file_size > MAX_BYTES:
                raise InputError("retrieval.too_large", path=path, most=MAX_BYTES)
            raw = archive.read(info)
        if re.search(rb"<!(DOCTYPE|ENTITY)", raw):
            raise InputError("retrieval.broken", path=path)
        root = ElementTree.fromstring(raw)
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, OSError):
        raise InputError("retrieval.broken", path=path) from None
    paragraphs = ("".join(node.text or "" for node in each.iter(f"{WORD}t")) for each in root.iter(f"{WORD}p"))
    return "\n\n".join(text for text in paragraphs if text.strip())
