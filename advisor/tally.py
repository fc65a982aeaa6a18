"""Tally: every rule's say on every candidate, added up. A veto outweighs any sum of votes.

Points of all candidates are kept side by side in one integer, 32 bits each, so that adding a rule is one addition:
the search for flips adds rules some thousands of times for one recommendation.
"""

from __future__ import annotations

from array import array
from typing import NamedTuple

from advisor.candidates import LABELS, Target
from advisor.case import Case
from advisor.rules import RULES, Outcome

SIZE = len(LABELS)
VETO = -1_000_000
"""Points of a veto; all votes of all rules together stay far below (a test adds them up)."""
BARRED = VETO // 2
"""A total at or below this has met a veto."""

_BITS = 32
_LIFT = 1 << 30
"""Added to every total while it is packed, so that no field is negative."""


def _packed(lifted: list[int]) -> int:
    return int.from_bytes(array("I", lifted).tobytes(), "little")


_LIFTED = _packed([_LIFT] * SIZE)


def _pack(points: list[int]) -> int:
    return _packed([value + _LIFT for value in points]) - _LIFTED


class Row(NamedTuple):
    """One rule's points by candidate, and the same packed."""

    points: tuple[int, ...]
    packed: int


_NOTHING = Row((0,) * SIZE, 0)
_ROWS: dict[tuple[object, ...], tuple[Outcome, Row]] = {}
_ROWS_KEPT = 4096


class Tally(NamedTuple):
    """What each rule said (None = silent), as rows of points by candidate, and the sums."""

    outcomes: tuple[Outcome | None, ...]
    rows: tuple[Row, ...]
    packed: int
    totals: tuple[int, ...]

    @property
    def winner(self) -> int:
        """The position of the best candidate; equal points go to the earlier, simpler one."""
        return self.totals.index(max(self.totals))

    def barred(self, at: int) -> bool:
        """Whether a rule ruled the candidate out."""
        return self.totals[at] <= BARRED

    def order(self) -> list[int]:
        """All candidates, the best first; equal points keep the candidates' own order."""
        return sorted(range(SIZE), key=lambda at: -self.totals[at])


def tally(case: Case) -> Tally:
    """Ask every rule."""
    outcomes = tuple(rule.check(case) for rule in RULES)
    rows = tuple(row_of(outcome) for outcome in outcomes)
    packed = sum(row.packed for row in rows)
    return Tally(outcomes, rows, packed, tuple(lifted - _LIFT for lifted in _lifted(packed)))


def _lifted(packed: int) -> memoryview:
    return memoryview((packed + _LIFTED).to_bytes(SIZE * _BITS // 8, "little")).cast("I")


def repack(before: Tally, case: Case, asked: tuple[int, ...]) -> int:
    """The packed sums after a change of fact that only the rules at the positions `asked` read."""
    packed = before.packed
    for at in asked:
        row = row_of(RULES[at].check(case))
        if row is not before.rows[at]:
            packed += row.packed - before.rows[at].packed
    return packed


def winner_of(packed: int) -> int:
    """The best candidate of packed sums; equal points go to the earlier one."""
    totals = _lifted(packed).tolist()
    return totals.index(max(totals))


def row_of(outcome: Outcome | None) -> Row:
    """One rule's points for every candidate; equal outcomes share one row."""
    if outcome is None:
        return _NOTHING
    key = (id(outcome.vetoes), *((id(target), points) for target, points in outcome.votes))
    kept = _ROWS.get(key)
    if kept is None:
        if len(_ROWS) >= _ROWS_KEPT:
            _ROWS.clear()
        kept = _ROWS[key] = (outcome, _make_row(outcome))  # the outcome is kept so that its ids stay its own
    return kept[1]


def _make_row(outcome: Outcome) -> Row:
    points = [0] * SIZE
    for target, value in outcome.votes:
        _add(points, target, value)
    _add(points, outcome.vetoes, VETO)
    return Row(tuple(points), _pack(points))


def _add(points: list[int], target: Target, value: int) -> None:
    for at in target:
        points[at] += value
