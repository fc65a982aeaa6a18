"""A caution is a tiny unit like a rule, but it speaks about the answer instead of deciding it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from advisor.case import Case
from advisor.methods import Approach, Label, Objective
from advisor.rules.sources import Source
from advisor.tally import Tally

Params = Mapping[str, Any] | None


class Seen(NamedTuple):
    """What a caution may look at: the case, the answer, and how it was reached."""

    case: Case
    label: Label
    result: Tally

    def has(self, *objectives: Objective) -> bool:
        """Whether the answer has one of these objectives."""
        return not set(objectives).isdisjoint(self.label.objectives)

    @property
    def retrieves(self) -> bool:
        """Whether the answer looks documents up."""
        return self.label.approach in (Approach.RAG, Approach.RAG_FT)


class Warner(msgspec.Struct, frozen=True, kw_only=True):
    """One caution. Words: `warning.ID` in the locale files, filled with what the check returns."""

    id: str
    situation: str
    sources: tuple[Source, ...]
    check: Callable[[Seen], Params]


def caution(id: str, *sources: Source) -> Callable[[Callable[[Seen], Params]], Warner]:  # noqa: A002
    """Make a caution of a check function; its docstring states the situation. Nothing is registered here."""

    def make(check: Callable[[Seen], Params]) -> Warner:
        return Warner(id=id, situation=getattr(check, "__name__", id), sources=sources, check=check)

    return make


def when(holds: bool, **params: Any) -> Params:
    """The numbers for the words if it holds, else silence."""
    return params if holds else None
