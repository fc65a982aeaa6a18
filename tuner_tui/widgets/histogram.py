"""Counts by length as rows of text: numbers in, braille (or ASCII) columns out; the words stand outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_LEFT, _RIGHT = (0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08)
_PARTS = " .:|#"


class Told(NamedTuple):
    """What a histogram says in numbers: upper ends below which half and 95 % of the rows lie, and the last one."""

    half: int
    most: int
    last: int


def told(histogram: dict[int, int]) -> Told | None:
    """The numbers of a histogram keyed by upper ends; None when it counts nothing."""
    total, seen = sum(histogram.values()), 0
    if not total:
        return None
    ends: list[int] = []
    shares = [0.5, 0.95]
    for end in sorted(histogram):
        seen += histogram[end]
        while len(ends) < len(shares) and seen >= shares[len(ends)] * total:
            ends.append(end)
    return Told(ends[0], ends[1], max(end for end, count in histogram.items() if count))


def columns(counts: Sequence[int], width: int, height: int, *, ascii_only: bool = False) -> list[str]:
    """`height` rows of `width` characters; a bin that counts anything is at least one dot high."""
    if not counts or width < 1 or height < 1:
        return []
    dots = width if ascii_only else width * 2
    tallest, levels = max(counts) or 1, height * 4
    heights = []
    for at in range(dots):
        count = counts[at * len(counts) // dots]
        heights.append(max(1, round(count / tallest * levels)) if count else 0)
    return [_row(heights, (height - 1 - y) * 4, ascii_only) for y in range(height)]


def _row(heights: Sequence[int], below: int, ascii_only: bool) -> str:
    filled = [min(max(each - below, 0), 4) for each in heights]
    if ascii_only:
        return "".join(_PARTS[each] for each in filled)
    cells = []
    for left, right in zip(filled[::2], filled[1::2], strict=True):
        mask = sum(_LEFT[:left]) + sum(_RIGHT[:right])
        cells.append(chr(0x2800 + mask) if mask else " ")
    return "".join(cells)
