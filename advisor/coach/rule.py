"""A coach's rule is a tiny unit: what it rests on, and one pure function from telemetry to evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from advisor.coach.telemetry import Telemetry

Evidence = dict[str, Any]
Check = Callable[[Telemetry], "Evidence | None"]
Source = tuple[str, str | None]

STOP = "stop"
"""Stop with a checkpoint: safe, it can be resumed."""


class CoachRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. Words: `coach.ID.name`, `.text` (filled with evidence and `figures`) and `.action` in the locale files.

    `action` is `stop`, or `set KEY=VALUE ...` (stop, then begin anew from the recipe with that changed; `*F` after a
    key multiplies), or None where no safe action is known.
    """

    id: str
    situation: str
    sources: tuple[Source, ...]
    figures: dict[str, float]
    action: str | None
    check: Check


def watches(
    id: str,  # noqa: A002
    *,
    sources: tuple[Source, ...] = (),
    figures: dict[str, float] | None = None,
    action: str | None = None,
) -> Callable[[Check], CoachRule]:
    """Make a rule of a check function; its name states the situation. Nothing is registered here."""

    def make(check: Check) -> CoachRule:
        name = getattr(check, "__name__", id)
        return CoachRule(id=id, situation=name, sources=sources, figures=figures or {}, action=action, check=check)

    return make
