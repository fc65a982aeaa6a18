"""A series never outgrows its bound and never loses its extremes: neighbours are merged to their least and greatest."""

from __future__ import annotations

import msgspec

CAP = 4096

Point = tuple[float, float | None]
Points = tuple[Point, ...]


class Series(msgspec.Struct, frozen=True):
    """`points` stand for `width` raw points a pair; `tail` holds the raw points of the pair not yet full."""

    points: Points = ()
    tail: Points = ()
    width: int = 1

    @property
    def all(self) -> Points:
        """Every point to draw, in order."""
        return (*self.points, *self.tail) if self.tail else self.points


class Growing:
    """A series open for appending; freeze it when the batch is done."""

    def __init__(self, series: Series) -> None:
        self.points = list(series.points)
        self.tail = list(series.tail)
        self.width = series.width
        last = self.tail or self.points
        self.last = last[-1][0] if last else float("-inf")

    def add(self, x: float, value: float | None) -> None:
        """Append by step. A step that was seen before starts the history anew from there (a resumed run)."""
        if x <= self.last:
            self.points = [point for point in self.points if point[0] < x]
            self.tail = [point for point in self.tail if point[0] < x]
        self.append(x, value)

    def append(self, x: float, value: float | None) -> None:
        """Append as it comes (readings over time)."""
        self.last = x
        if self.width == 1:
            self.points.append((x, value))
        else:
            self.tail.append((x, value))
            if len(self.tail) < self.width:
                return
            self.points += extremes(self.tail)
            self.tail = []
        if len(self.points) >= CAP:
            self._merge()

    def frozen(self) -> Series:
        """The series as it stands."""
        return Series(tuple(self.points), tuple(self.tail), self.width)

    def _merge(self) -> None:
        """Four points become two, so each pair stands for twice as many raw points as before."""
        merged: list[Point] = []
        for at in range(0, len(self.points), 4):
            merged += extremes(self.points[at : at + 4])
        self.points = merged
        self.width = max(4, self.width * 2)


def extremes(points: list[Point]) -> list[Point]:
    """The least and the greatest of the points, in order; one gap when none is finite."""
    finite = [point for point in points if point[1] is not None]
    if not finite:
        return points[:1]
    least = min(finite, key=_value)
    greatest = max(finite, key=_value)
    if least[0] == greatest[0]:
        return [least]
    return [least, greatest] if least[0] < greatest[0] else [greatest, least]


def _value(point: Point) -> float:
    return point[1] if point[1] is not None else 0.0
