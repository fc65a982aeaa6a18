"""A chart draws curves it is given; words stay outside the canvas, so that Hangul can never break a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from tuner_tui.safe import clean
from tuner_tui.widgets import plot
from tuner_tui.widgets.speaks import Speaks

LABELS, MIDDLE = 8, 56
CURVE_TERMS = {"chart.rate": ["learning_rate", "warmup"], "chart.gradient": ["grad_norm"]}


class Curve(NamedTuple):
    """One line: its words' key, its points, its colour variable; `late` = last in the legend."""

    name: str
    points: Sequence[plot.Point]
    style: str
    listed: bool = True
    late: bool = False


class Chart(Speaks, can_focus=True):
    """Curves over steps with axes and a legend. Later curves are drawn over earlier ones."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    Chart { border: round $rule; border-title-color: $foreground; border-subtitle-color: $text-muted; padding: 0 1; }
    Chart:focus { border: round $primary; }
    """

    log_scale: reactive[bool] = reactive(False)
    ascii_only: reactive[bool] = reactive(False)

    def __init__(self, title: str, empty: str, *, id: str | None = None, help_key: str = "chart") -> None:  # noqa: A002
        super().__init__(id=id)
        self.title_key, self.empty_key, self.help_key = title, empty, help_key
        self.curves: tuple[Curve, ...] = ()

    def help_terms(self) -> list[str]:
        """The term that this curve is of."""
        return CURVE_TERMS.get(self.title_key, [])

    def help_also(self) -> list[str]:
        """What this method's own figure says."""
        return [f"help.curve.{self.title_key}"]

    def on_mount(self) -> None:
        """Titles need the language."""
        self.retranslate()

    def retranslate(self) -> None:
        """Title, legend and axis word."""
        self.border_title = Content(self._word(self.title_key))
        self.border_subtitle = Content(self.say("chart.log")) if self.log_scale else None
        self.refresh()

    def watch_log_scale(self) -> None:
        """The border says so."""
        if self.is_attached:
            self.retranslate()

    def name_title(self, title: str) -> None:
        """Another title: a key, or a method's own name."""
        if title != self.title_key:
            self.title_key = title
            self.retranslate()

    def _word(self, name: str) -> str:
        """The words of a key; a name that we have no words for is foreign and stays as it is."""
        own = f"curve.{name}"
        return self.say(name) if self.knows(name) else self.say(own) if self.knows(own) else clean(name, 40)

    def show(self, curves: Sequence[Curve]) -> None:
        """Draw these curves; nothing is redrawn when they are the same."""
        fresh = tuple(curves)
        if fresh != self.curves:
            self.curves = fresh
            self.refresh()

    def render(self) -> Content:
        """Legend, canvas with y labels, x labels."""
        width, height = self.content_size
        series = [self._scaled(curve) for curve in self.curves]
        found = plot.bounds(series)
        if found is None or width < LABELS + 4 or height < 3:
            return Content.styled(self.say(self.empty_key), "$text-muted")
        xs, ys = found
        columns, rows = width - LABELS, height - 2
        grids = [plot.masks(points, columns, rows, xs, ys) for points in series]
        lines = [self._legend(width), *(self._row(grids, y, rows, ys) for y in range(rows)), self._axis(width, xs)]
        return Content("\n").join(lines)

    def _scaled(self, curve: Curve) -> Sequence[plot.Point]:
        return plot.logarithmic(curve.points) if self.log_scale else curve.points

    def _legend(self, width: int) -> Content:
        parts: list[Content] = []
        used = 0
        for curve in sorted(self.curves, key=lambda each: each.late):
            last = next((y for _, y in reversed(curve.points) if y is not None), None)
            word = self._word(curve.name)
            value = plot.short(last) if last is not None else ""
            need = cell_len(word) + len(value) + 4
            if curve.listed and last is not None and used + need <= width:
                parts.append(Content.assemble(("-- ", curve.style), (f"{word} ", "$text-muted"), value, "  "))
                used += need + 2
        return Content("").join(parts)

    def _row(self, grids: list[plot.Masks], y: int, rows: int, ys: plot.Span) -> Content:
        value = ys[1] - (ys[1] - ys[0]) * y / max(rows - 1, 1)
        marked = y in _marked(rows)
        shown = 10**value if self.log_scale else value
        label = plot.short(shown) if marked else ""
        return Content.assemble((f"{label:>{LABELS - 1}} ", "$text-muted"), *self._cells(grids, y))

    def _cells(self, grids: list[plot.Masks], y: int) -> list[Content | tuple[str, str]]:
        """Runs of one colour; a cell takes the colour of the topmost curve in it, and the dots of all."""
        runs: list[tuple[str, str]] = []
        for cells in zip(*(grid[y] for grid in grids), strict=True):
            mask, style = 0, ""
            for curve, cell in zip(self.curves, cells, strict=True):
                if cell:
                    mask, style = mask | cell, curve.style
            char = plot.glyph(mask, self.ascii_only)
            if runs and (runs[-1][1] == style or not mask):
                runs[-1] = (runs[-1][0] + char, runs[-1][1])
            else:
                runs.append((char, style))
        return list(runs)

    def _axis(self, width: int, xs: plot.Span) -> Content:
        left, right = f"{self.say('chart.step')} {plot.short(xs[0])}", plot.short(xs[1])
        middle = plot.short((xs[0] + xs[1]) / 2) if width >= MIDDLE and xs[1] - xs[0] > 10 else ""
        half = (width - LABELS) // 2 - cell_len(left) - len(middle) // 2
        head = left + " " * max(1, half) + middle
        gap = max(1, width - LABELS - cell_len(head) - len(right))
        return Content.styled(" " * LABELS + head + " " * gap + right, "$text-muted")


def _marked(rows: int) -> set[int]:
    """The rows whose value is written: the ends, and as many between as there is room for."""
    parts = 8 if rows > 40 else 4 if rows > 14 else 2 if rows > 6 else 1
    return {round(part * (rows - 1) / parts) for part in range(parts + 1)}
