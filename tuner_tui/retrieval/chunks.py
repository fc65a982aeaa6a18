"""A chunk never crosses a heading and never splits a sentence that fits; it knows the file that it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tuner_tui.retrieval.documents import Document

CHARACTERS = 1200
HEADING = re.compile(r"^#{1,6}\s", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.!?。])\s+|\n")


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A passage: its file, its number in that file from 1, the headings above it, its text."""

    file: str
    number: int
    heading: str = ""
    text: str

    @property
    def cited(self) -> str:
        """How an answer cites it."""
        return f"{self.file}#{self.number}"


def chunks(document: Document, size: int = CHARACTERS) -> list[Chunk]:
    """The passages of a document, each of at most `size` characters (a longer sentence is cut)."""
    found: list[Chunk] = []
    for heading, body in _sections(document.text):
        for text in _packed(body, size):
            found.append(Chunk(file=document.name, number=len(found) + 1, heading=heading, text=text))
    return found


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(heading, text below it) in order; the text before the first heading has none."""
    starts = [match.start() for match in HEADING.finditer(text)]
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        part = text[start:end]
        if start in starts:
            heading, _, body = part.partition("\n")
            yield heading.lstrip("#").strip(), body
        elif part.strip():
            yield "", part


def _packed(body: str, size: int) -> Iterator[str]:
    """Paragraphs joined while they fit; one that does not is split at sentences, at worst anywhere."""
    held = ""
    for piece in _pieces(body, size):
        joined = f"{held}\n{piece}" if held else piece
        if len(joined) > size:
            yield held
            joined = piece
        held = joined
    if held:
        yield held


def _pieces(body: str, size: int) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", body):
        text = paragraph.strip()
        if len(text) <= size:
            if text:
                yield text
            continue
        for sentence in SENTENCE.split(text):
            for start in range(0, len(sentence), size):
                yield sentence[start : start + size]
