"""Rows that belong together stay on one side of the split: those of one group or question; the latest are the test."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from random import Random

import msgspec

TRAIN, VALIDATION, TEST = "train", "validation", "test"


class Marks(msgspec.Struct, frozen=True):
    """What decides a row's side: its group, which stays together, its label (stratified by it), its time or None."""

    group: int
    label: str = ""
    time: str | None = None


def parted(rows: Sequence[Marks], shares: tuple[float, float], seed: int) -> list[str]:
    """The side of each row, `shares` being those of validation and test; every label gets its share of both.

    With times, groups go by the time of their last row: the latest are the test, those before them the validation.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        groups[row.group].append(at)
    by_label: dict[str, list[int]] = defaultdict(list)
    for group, members in groups.items():
        by_label[Counter(rows[at].label for at in members).most_common(1)[0][0]].append(group)
    sides = [TRAIN] * len(rows)
    for label in sorted(by_label):
        ordered = _ordered(by_label[label], groups, rows, Random(f"{seed} {label}"))
        total = sum(len(groups[group]) for group in ordered)
        for group, side in _sides(ordered, groups, total, shares):
            for at in groups[group]:
                sides[at] = side
    return sides


def _ordered(names: list[int], groups: dict[int, list[int]], rows: Sequence[Marks], draw: Random) -> list[int]:
    """Groups in the order in which they are held out."""
    shuffled = draw.sample(names, len(names))
    if all(rows[at].time is None for name in names for at in groups[name]):
        return shuffled
    return sorted(shuffled, key=lambda name: max(rows[at].time or "" for at in groups[name]), reverse=True)


def _sides(
    ordered: list[int], groups: dict[int, list[int]], total: int, shares: tuple[float, float]
) -> list[tuple[int, str]]:
    """Held out until each share is filled, at least one group where there are three or more."""
    wanted = {TEST: shares[1] * total, VALIDATION: shares[0] * total}
    found: list[tuple[int, str]] = []
    left = len(ordered)
    place = iter(ordered)
    for side, count in wanted.items():
        filled = 0
        while count and left > 1 and (filled == 0 or filled < count - 0.5):
            if filled == 0 and len(ordered) < 3 and count < 0.5:
                break
            name = next(place)
            filled += len(groups[name])
            left -= 1
            found.append((name, side))
    return found + [(name, TRAIN) for name in place]
