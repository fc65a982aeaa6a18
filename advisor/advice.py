"""Advice: the answer as other people's scripts read it. Its keys are a contract (DESIGN.md 4.2): add, never rename."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Verdict(StrEnum):
    """What became of a label."""

    RECOMMENDED = "recommended"
    POSSIBLE = "possible"
    VETOED = "vetoed"


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    pass


class MemoryGb(_Part, frozen=True, kw_only=True):
    """Peak memory per GPU in GiB."""

    low: float
    likely: float
    high: float


class Hours(_Part, frozen=True, kw_only=True):
    """Wall time in hours."""

    low: float
    high: float


class Work(_Part, frozen=True, kw_only=True):
    """A published work: its title, and its address where it is on the web."""

    title: str
    url: str | None


class Reason(_Part, frozen=True, kw_only=True):
    """Why: the rule, its words with this case's numbers, where it comes from, and the facts it stands on.

    `weight` = points by which the rule favours the answer over its rivals (0 in `against`, where it speaks for
    nothing); `name` = the situation in a few words; `status` = established, practice or judgement.
    """

    rule: str
    text: str
    source: str
    evidence: dict[str, Any]
    name: str
    status: str
    weight: int
    sources: list[Work]


class Caution(_Part, frozen=True, kw_only=True):
    """A warning with a stable id."""

    id: str
    text: str


class Ranked(_Part, frozen=True, kw_only=True):
    """One label's place. `rules` = what decided against it, the decisive rule first (for the winner: for it)."""

    label: str
    verdict: Verdict
    score: int
    memory_gb: MemoryGb | None = None
    hours: Hours | None = None
    rules: list[str] = []


class Flip(_Part, frozen=True, kw_only=True):
    """One single change of fact after which the answer is another label.

    `fact` = its path in the facts, `value` = what it would have to be; `unknown` = it is not known today, so that
    finding out may change the answer.
    """

    change: str
    label: str
    fact: str
    value: Any
    unknown: bool


class Advice(_Part, frozen=True, kw_only=True):
    """What to do, why, how, and what would change it.

    `confidence` = estimated chance of being right, 0..1; `against` = the words of every rule that `ranking` names
    against a candidate.
    """

    label: str
    approach: str
    objectives: list[str]
    technique: str | None
    confidence: float
    plan: list[str]
    reasons: list[Reason]
    warnings: list[Caution]
    ranking: list[Ranked]
    flips: list[Flip]
    against: list[Reason]
