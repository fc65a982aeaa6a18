"""A stray quotation mark must not swallow the rows after it: lines that are rows by themselves are taken as rows.

A cell that begins with a mark goes on to the next one, over line ends, and nobody hears of the rows in between. In
tables of tabs, and wherever the marks do not pair as CSV wants them (RFC 4180), such lines are told apart from a cell
of several lines by this: nearly each of them has as many cells as the header.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

FITTING = 0.9
MARK = '"'


def apart(lines: Sequence[str], separator: str, count: int, *, ended: bool) -> list[tuple[list[str], bool]] | None:
    """The cells of each line, and whether its marks are stray; None where the lines are one row indeed.

    `lines` are what one row was read from, `ended` whether the file ended before its quotation mark closed.
    """
    if count < 2 or not any(MARK in line for line in lines):
        return None
    if ended and len(lines) == 1 and (separator != "\t" or not lines[0].endswith("\n")):
        return None  # the last line, cut off
    paired = not ended and _cells(lines, separator) is not None
    if paired and (len(lines) == 1 or separator != "\t"):
        return None
    found = [_alone(line.rstrip("\r\n"), separator, count) for line in lines if line.strip()]
    fitting = sum(len(cells) == count for cells, _ in found)
    whole = found and len(found[0][0]) == count and fitting >= FITTING * len(found)
    return found if whole else None


def _alone(line: str, separator: str, count: int) -> tuple[list[str], bool]:
    """The cells of a line by itself: by the rules of quotation where they give the right number, else as they stand."""
    cells = _cells([line], separator)
    return (cells, False) if cells is not None and len(cells) == count else (line.split(separator), True)


def _cells(lines: Sequence[str], separator: str) -> list[str] | None:
    """The cells of a row whose quotation marks all pair; None where one does not."""
    try:
        return next(csv.reader(lines, delimiter=separator, strict=True), None)
    except csv.Error:
        return None
