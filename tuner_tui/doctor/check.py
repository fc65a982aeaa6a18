"""A check says what is so, whether it hinders, and how to mend it; one that breaks says so and stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

import msgspec

from advisor.words import Words
from tuner_tui.safe import clean


class Status(StrEnum):
    """`fail`: something that tuner needs does not work; `warn`: it works less well, or only in part."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check's answer. `case` names its sentence (`doctor.ID.CASE`), `found` what was seen, as its placeholders."""

    id: str
    status: Status
    case: str
    found: dict[str, Any] = {}

    def text(self, words: Words) -> str:
        """What is so."""
        return words.say(f"doctor.{self.id}.{self.case}", **self._shown())

    def mend(self, words: Words) -> str | None:
        """What to do about it; None when there is nothing to do."""
        key = f"doctor.{self.id}.{self.case}.mend"
        return words.say(key, **self._shown()) if words.has(key) else None

    def _shown(self) -> dict[str, str]:
        return {name: clean(value, 300) for name, value in self.found.items()}


def good(id_: str, case: str = "ok", /, **found: Any) -> Check:
    """Nothing is wrong."""
    return Check(id=id_, status=Status.OK, case=case, found=found)


def warn(id_: str, case: str, /, **found: Any) -> Check:
    """It works less well, or only in part."""
    return Check(id=id_, status=Status.WARN, case=case, found=found)


def fail(id_: str, case: str, /, **found: Any) -> Check:
    """What tuner needs does not work."""
    return Check(id=id_, status=Status.FAIL, case=case, found=found)


def guarded(*asked: Callable[[], Check | Iterable[Check]]) -> list[Check]:
    """The answers of all checks, in order; one that raises becomes a warning that names it."""
    found: list[Check] = []
    for ask in asked:
        try:
            answer = ask()
            for each in [answer] if isinstance(answer, Check) else answer:
                found.append(each)
        except Exception as error:
            name = getattr(ask, "func", ask).__qualname__
            found.append(warn("check", "broken", name=name, detail=f"{type(error).__name__}: {error}"))
    return found
