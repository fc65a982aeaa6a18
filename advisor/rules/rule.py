"""A rule is a tiny unit: what it reads, what it rests on, and one pure function from a case to votes and vetoes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from advisor.candidates import Target
from advisor.case import Case
from advisor.rules.sources import Source

Number = int | float


class Status(StrEnum):
    """How well a rule is founded."""

    ESTABLISHED = "established"  # measured in a study or stated by the maker of the tool
    PRACTICE = "practice"  # field experience, vendor reports
    JUDGEMENT = "judgement"  # our cut-off between published points


class Outcome(NamedTuple):
    """What a rule that fires says: points for targets, targets ruled out, numbers for its words."""

    votes: tuple[tuple[Target, int], ...] = ()
    vetoes: Target = ()
    params: Mapping[str, Any] = {}


Check = Callable[[Case], "Outcome | None"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. Words: `rule.ID.name` and `rule.ID.text` in the locale files; `figures` fill the text."""

    id: str
    situation: str
    reads: tuple[str, ...]
    sources: tuple[Source, ...]
    status: Status
    figures: dict[str, Number | str]
    check: Check

    @property
    def source(self) -> str:
        """The sources in one line: titles and addresses."""
        return "; ".join(f"{title} <{url}>" if url else title for title, url in self.sources)


def rule(
    id: str,  # noqa: A002
    *,
    reads: tuple[str, ...],
    sources: tuple[Source, ...],
    status: Status = Status.ESTABLISHED,
    figures: dict[str, Number | str] | None = None,
) -> Callable[[Check], Rule]:
    """Make a rule of a check function; its name states the situation. Nothing is registered here."""

    def make(check: Check) -> Rule:
        situation = getattr(check, "__name__", id)
        return Rule(
            id=id, situation=situation, reads=reads, sources=sources, status=status, figures=figures or {}, check=check
        )

    return make


def vote(*votes: tuple[Target, int], **params: Any) -> Outcome:
    """Points for (positive) or against (negative) targets."""
    return Outcome(votes, (), params)


def veto(target: Target, *votes: tuple[Target, int], **params: Any) -> Outcome:
    """Rule targets out; the rule's words must name what stays open."""
    return Outcome(votes, target, params)
