"""The questions of the goal step, as data: what fact each one asks for, and which answers there are.

Four groups are the four questions of the decision: the use case, what was tried instead, what it may cost, what it
must bring. Words: `q.ID` (title), `q.ID.why`, `q.ID.typical`, and `PREFIX.VALUE` with `.hint` for each answer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from advisor.facts import BaseSuccess, Changes, Facts, Goal, Latency, Privacy, Tried
from tuner_tui.state import value_at

UNKNOWN = "unknown"
YES_NO = ("yes", "no", UNKNOWN)


class Question(NamedTuple):
    """One question: `path` in the facts; `values` empty = a number is asked for."""

    id: str
    group: str
    path: str
    prefix: str
    values: tuple[str, ...] = ()
    several: bool = False

    @property
    def numeric(self) -> bool:
        """Whether a number is the answer."""
        return not self.values


def _choices(enum: type[StrEnum]) -> tuple[str, ...]:
    return (*(each.value for each in enum), UNKNOWN)


QUESTIONS: tuple[Question, ...] = (
    Question("goals", "use", "goals", "goal", tuple(each.value for each in Goal), True),
    Question("changes", "use", "knowledge.changes", "changes", _choices(Changes)),
    Question("citations", "use", "knowledge.needs_citations", "yesno", YES_NO),
    Question("in_context", "use", "knowledge.fits_in_context", "yesno", YES_NO),
    Question("prompting", "tried", "history.prompting", "tried", _choices(Tried)),
    Question("rag", "tried", "history.rag", "tried", _choices(Tried)),
    Question("sft", "tried", "history.sft", "tried", _choices(Tried)),
    Question("latency", "cost", "constraints.latency", "latency", _choices(Latency)),
    Question("privacy", "cost", "constraints.privacy", "privacy", _choices(Privacy)),
    Question("budget", "cost", "constraints.budget_usd", "number"),
    Question("deadline", "cost", "constraints.deadline_h", "number"),
    Question("base_success", "benefit", "history.base_success", "success", _choices(BaseSuccess)),
    Question("teacher", "benefit", "history.teacher", "yesno", YES_NO),
    Question("general", "benefit", "constraints.keep_general_ability", "yesno", YES_NO),
    Question("tasks", "benefit", "constraints.n_tasks", "number"),
)


def chosen(question: Question, facts: Facts) -> tuple[str, ...]:
    """The values that the facts hold for a question; () when nothing is known."""
    value = value_at(facts, question.path)
    if question.several:
        return tuple(str(each) for each in value)
    if value is None:
        return ()
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    return (f"{value:.10g}" if isinstance(value, int | float) else str(value),)


def fact(question: Question, values: tuple[str, ...]) -> Any:
    """The fact that these values state; ValueError when a number is none."""
    if question.several:
        return [Goal(each) for each in values]
    if not values or values[0] in (UNKNOWN, ""):
        return None
    if question.numeric:
        return _number(values[0], whole=question.id == "tasks")
    if question.values == YES_NO:
        return values[0] == "yes"
    return _ENUMS[question.prefix](values[0])


def _number(text: str, whole: bool) -> float | int:
    number = int(text) if whole else float(text)
    if not 0 <= number < 1e12:
        raise ValueError(text)
    return number


_ENUMS: dict[str, type[StrEnum]] = {
    "changes": Changes,
    "tried": Tried,
    "latency": Latency,
    "privacy": Privacy,
    "success": BaseSuccess,
}
