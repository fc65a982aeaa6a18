"""A passage, and how well it fits a question."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A passage: its file, its number in that file from 1, the heading above it, its text."""

    file: str
    number: int
    heading: str = ""
    text: str

    @property
    def cited(self) -> str:
        """How an answer cites it."""
        return f"{self.file}#{self.number}"


@dataclass(frozen=True, kw_only=True)
class Found:
    """A passage and its score (BM25)."""

    chunk: Chunk
    score: float
