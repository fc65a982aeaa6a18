"""A chunk never crosses a heading and never splits a sentence that fits; it knows the file that it came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from tuner_tui.retrieval.documents import Document
from tuner_tui.retrieval.measure import Characters, Measure

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


def chunks(document: Document, by: Measure | None = None) -> list[Chunk]:
    """The passages of a document, each of at most `by.size` (a longer sentence is cut)."""
    by = by or Characters()
    found: list[Chunk] = []
    for heading, body in _sections(document.text):
        for text in _packed(body, by):
            found.append(Chunk(file=document.name, number=len(found) + 1, heading=heading, text=text))
    return found


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """(headings above, text below them) in order; the text before the first heading has none."""
    starts = [match.start() for match in HEADING.finditer(text)]
    above: list[tuple[int, str]] = []
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        part = text[start:end]
        if start in starts:
            line, _, body = part.partition("\n")
            level = len(line) - len(line.lstrip("#"))
            above = [*(each for each in above if each[0] < level), (level, line.lstrip("#").strip())]
            yield " › ".join(each for _, each in above if each), body
        elif part.strip():
            yield "", part


def _packed(body: str, by: Measure) -> Iterator[str]:
    """Paragraphs joined while they fit; one that does not is split at sentences, at worst anywhere."""
    pieces = list(_pieces(body, by))
    lengths = by.count(pieces)
    held: list[str] = []
    size = 0
    for piece, length in zip(pieces, lengths, strict=True):
        if held and size + by.joint + length > by.size:
            text = "\n".join(held)
            yield from by.cut(text)
            held, size = _tail(text, by, by.size - by.joint - length)
        size += length + (by.joint if held else 0)
        held.append(piece)
    if held:
        yield from by.cut("\n".join(held))


def _tail(text: str, by: Measure, room: int) -> tuple[list[str], int]:
    """The last sentences of a chunk that the next one repeats, and their length: whole ones, at most the overlap."""
    most = min(by.overlap, room)
    if most <= 0:
        return [], 0
    sentences = [each for each in SENTENCE.split(text) if each.strip()]
    lengths, kept, size = by.count(sentences), 0, 0
    for length in reversed(lengths):
        if size + by.joint + length > most or kept == len(sentences) - 1:
            break
        kept, size = kept + 1, size + length + by.joint
    return ([" ".join(sentences[-kept:])], size) if kept else ([], 0)


def _pieces(body: str, by: Measure) -> Iterator[str]:
    paragraphs = [text for each in re.split(r"\n\s*\n", body) if (text := each.strip())]
    for text, length in zip(paragraphs, by.count(paragraphs), strict=True):
        if length <= by.size:
            yield text
            continue
        yield from (piece for each in _sentences(text) for piece in by.cut(each))


def _sentences(text: str) -> Sequence[str]:
    return [each for each in SENTENCE.split(text) if each]
