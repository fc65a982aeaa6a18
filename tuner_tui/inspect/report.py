"""What an inspection says: exactly the contract's keys in JSON, and nothing in it is a guess."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import msgspec

from advisor.facts import Data

NUMBERED = re.compile(r"(?:\A|####|\\boxed\{)\s*[-+]?[$€£₩]?\d[\d,]*(?:\.\d+)?\s*\}?\$?\.?\s*\Z")
CONTRACT = ("kind", "format", "rows", "usable_rows", "fields", "tokens", "duplicates", "problems", "facts")


class Severity(StrEnum):
    """`error` takes the rows it names out of the usable ones; `warning` and `info` do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of problem: how many rows have it, the first of them (counted from 1), what to do."""

    code: str
    severity: Severity
    count: int
    rows: list[int]
    text: str


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution in few numbers; the unit is that of the key it stands under (tokens or characters)."""

    mean: float
    p50: int
    p95: int
    max: int


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One column: the JSON types met in it, how many rows fill it, lengths in characters where it holds text."""

    types: list[str]
    filled: int
    chars: Spread | None = None


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """What a dataset or a folder of documents holds. Only the keys of CONTRACT are in the JSON.

    `mapping` is our field -> their column, as a recipe's `data.mapping` wants it. `preview` is cleaned text, safe to
    draw; `histogram` counts rows by length of prompt and answer together, keyed by the upper end in characters.
    `details` are what a problem names beside its rows, by code; `looked` in how many rows it was counted, where that
    was not all of them.
    """

    kind: str | None
    format: str
    rows: int
    usable_rows: int
    fields: dict[str, Field]
    tokens: Spread | None
    duplicates: int
    problems: list[Problem]
    facts: Data
    preview: list[dict[str, str]] = []
    mapping: dict[str, str] = {}
    histogram: dict[int, int] = {}
    sampled: bool = False
    columns: list[str] = []
    answer_tokens: Spread | None = None
    languages: dict[str, int] = {}
    details: dict[str, str] = {}
    looked: dict[str, int] = {}

    def to_json(self) -> dict[str, Any]:
        """The contract's document."""
        raw: dict[str, Any] = msgspec.to_builtins(self)
        return {key: raw[key] for key in CONTRACT}

    @property
    def numbered(self) -> bool:
        """Whether the answers that are shown are numbers: alone, or set apart from the reasoning as GSM8K does."""
        column = self.mapping.get("completion", self.mapping.get("answer", "answer"))
        answers = [row[column] for row in self.preview if row.get(column)]
        return self.kind == "verifiable_rewards" and bool(answers) and all(map(NUMBERED.search, answers))

    def problem(self, code: str) -> Problem | None:
        """The problem of that code, if there is one."""
        return next((problem for problem in self.problems if problem.code == code), None)


def spread(counts: dict[int, int]) -> Spread | None:
    """Mean, median, 95th percentile and maximum of values given as value -> how often; None when there are none."""
    total = sum(counts.values())
    if not total:
        return None
    ordered = sorted(counts)
    mean = sum(value * counts[value] for value in ordered) / total
    return Spread(
        mean=round(mean, 1),
        p50=_at(ordered, counts, 0.5, total),
        p95=_at(ordered, counts, 0.95, total),
        max=ordered[-1],
    )


def _at(ordered: list[int], counts: dict[int, int], share: float, total: int) -> int:
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    seen = 0
    for value in ordered:
        seen += counts[value]
        if seen >= share * total:
            return value
    return ordered[-1]
