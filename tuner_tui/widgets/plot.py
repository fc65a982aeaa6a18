"""A line drawn in braille: numbers in, rows of text out, nothing else; a value that is missing leaves a gap.

A cell holds 2 x 4 dots. Each dot column keeps its least and greatest value, so that a spike is never lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Point = tuple[float, float | None]
Span = tuple[float, float]
Masks = list[list[int]]

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_UPPER = 0x01 | 0x08 | 0x02 | 0x10
# Beyond this a span of two values is no number any more.
_LARGEST = 1e300
_LEAST = 1e-300


def bounds(series: Iterable[Sequence[Point]]) -> tuple[Span, Span] | None:
    """The x and y spans of all finite points, y padded by 4 %; None when there is none."""
    xs, ys = [], []
    for points in series:
        for x, y in points:
            if y is not None and -_LARGEST < y < _LARGEST:
                xs.append(x)
                ys.append(y)
    if not xs:
        return None
    low, high = min(ys), max(ys)
    pad = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    # What is never negative is not drawn as if it could be.
    floor = max(0.0, low - pad) if low >= 0 else low - pad
    return (min(xs), max(xs)), (floor, high + pad)


def masks(points: Sequence[Point], width: int, height: int, xs: Span, ys: Span) -> Masks:
    """Dot masks, `height` rows of `width` cells, of the line through `points` (x ascending)."""
    grid = [[0] * width for _ in range(height)]
    columns, rows = width * 2 - 1, height * 4 - 1
    if columns < 1 or rows < 1:
        return grid
    x_scale = columns / max(xs[1] - xs[0], _LEAST)
    y_scale = rows / max(ys[1] - ys[0], _LEAST)
    x_from, y_from = xs[0], ys[0]
    at, first, least, most, now = -1, 0, 0, 0, 0
    before: tuple[int, int] | None = None
    for x, y in points:
        finite = y is not None and -_LARGEST < y < _LARGEST
        column = round((x - x_from) * x_scale) if finite else -1
        if column != at:
            if at >= 0:
                _column(grid, before, at, first, least, most, rows, columns)
                before = (at, now) if finite else None
            at = column
            if y is not None and finite:
                first = least = most = now = rows - round((y - y_from) * y_scale)
        elif y is not None and finite:
            now = rows - round((y - y_from) * y_scale)
            least, most = min(least, now), max(most, now)
    if at >= 0:
        _column(grid, before, at, first, least, most, rows, columns)
    return grid


def _column(
    grid: Masks, before: tuple[int, int] | None, x: int, first: int, least: int, most: int, rows: int, columns: int
) -> None:
    """All points of one dot column: the line from the one before, then from the least to the greatest."""
    if before is not None:
        _join(grid, before, (x, first), columns, rows)
    _join(grid, (x, least), (x, most), columns, rows)


def _join(grid: Masks, start: tuple[int, int], end: tuple[int, int], columns: int, rows: int) -> None:
    """Set the dots from start to end, both included; what lies outside is cut."""
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0))
    for n in range(steps + 1):
        x = x0 + (x1 - x0) * n // steps if steps else x0
        y = y0 + round((y1 - y0) * n / steps) if steps else y0
        if 0 <= x <= columns and 0 <= y <= rows:
            grid[y >> 2][x >> 1] |= _DOTS[y & 3][x & 1]


def glyph(mask: int, ascii_only: bool = False) -> str:
    """The character of one cell: braille, or one of ` ' . :` for terminals without it."""
    if not ascii_only:
        return chr(0x2800 + mask) if mask else " "
    upper, lower = bool(mask & _UPPER), bool(mask & ~_UPPER)
    return " '.:"[upper + 2 * lower]


def draw(
    points: Sequence[Point],
    width: int,
    height: int,
    *,
    xs: Span | None = None,
    ys: Span | None = None,
    ascii_only: bool = False,
) -> list[str]:
    """`height` rows of `width` characters with one line; blank rows when nothing is finite."""
    found = bounds([points])
    if found is None:
        return [" " * width] * height
    grid = masks(points, width, height, xs or found[0], ys or found[1])
    return ["".join(glyph(mask, ascii_only) for mask in row) for row in grid]


def smooth(points: Sequence[Point], weight: float = 0.9) -> list[Point]:
    """Exponential moving average without the bias of its start; a gap stays a gap and does not poison the rest."""
    total, norm = 0.0, 0.0
    out: list[Point] = []
    for x, y in points:
        if y is None or not -_LARGEST < y < _LARGEST:
            out.append((x, None))
            continue
        total = weight * total + (1 - weight) * y
        norm = weight * norm + (1 - weight)
        out.append((x, total / norm))
    return out


def logarithmic(points: Sequence[Point]) -> list[Point]:
    """Decimal logarithms; what has none (zero, negative) becomes a gap."""
    return [(x, math.log10(y) if y is not None and y > 0 else None) for x, y in points]


def short(value: float) -> str:
    """A number in at most eight characters: 0.0234, 12.5, 1.98e-4, 48k."""
    size = abs(value)
    if not math.isfinite(value):
        return "?"
    if size == 0:
        return "0"
    if size >= 1e9 or size < 1e-3:
        return _powered(value, 2 if 1e-9 < size < 1e99 else 1 if 1e-98 < size < 1e99 else 0)
    if size >= 1e6:
        return f"{value / 1e6:.4g}M"
    if size >= 1e4:
        return f"{value / 1e3:.4g}k"
    if size >= 1e3:
        return f"{value:.0f}"
    return f"{value:.3g}"


def _powered(value: float, digits: int) -> str:
    mantissa, _, power = f"{value:.{digits}e}".partition("e")
    return f"{float(mantissa):g}e{int(power)}"
