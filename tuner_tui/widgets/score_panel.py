"""Before and after on the same held-out questions, each with its interval drawn to one scale and its origin named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tuner_tui.runs.answers import Tally
from tuner_tui.safe import clean
from tuner_tui.widgets.speaks import Speaks

WHEN = ("before", "after")


def track(score: float, low: float | None, high: float | None, width: int, ascii_only: bool = False) -> str:
    """A scale 0..1 of `width` cells with the interval and, on it, the score."""
    rest, span, point = (".", "-", "#") if ascii_only else ("⣀", "⠶", "⣿")
    at = _cell(score, width)
    start, end = _cell(score if low is None else low, width), _cell(score if high is None else high, width)
    return "".join(point if n == at else span if start <= n <= end else rest for n in range(width))


def _cell(value: float, width: int) -> int:
    return max(0, min(width - 1, round(value * (width - 1))))


class ScorePanel(Speaks):
    """Metric, before, after, what changed, losses."""

    DEFAULT_CSS = "ScorePanel { height: auto; border: round $rule; border-title-color: $foreground; padding: 0 1; }"
    help_key = "scores"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._report: Mapping[str, Any] = {}
        self._tally: Tally | None = None
        self.ascii_only = False

    def on_mount(self) -> None:
        """The title needs the language."""
        self.retranslate()

    def retranslate(self) -> None:
        """Say it anew."""
        self.border_title = Content(self.say("results.scores"))
        self.refresh(layout=True)

    def show(self, report: Mapping[str, Any], tally: Tally | None = None) -> None:
        """Draw the scores of this report, and how many questions went which way."""
        if (report, tally) != (self._report, self._tally):
            self._report, self._tally = report, tally
            self.refresh(layout=True)

    def render(self) -> Content:
        """One row a time, then what they mean."""
        width = max(20, self.content_size.width or 40)
        after = part(self._report, "after")
        metric = clean(after.get("metric") or "?", 40)
        key = f"metric.{metric}"
        name = self.say(key) if self.knows(key) else metric
        items = after.get("items")
        rows = [Content.styled(f"{name} · {self.say('results.items', items=items or '?')}", "bold").truncate(width)]
        rows += [self._row(when, width) for when in WHEN]
        rows += self._ways(width)
        rows += [self._losses().truncate(width)] if metric != "loss" else []
        return Content("\n").join([*rows, self._origin(width)])

    def _row(self, when: str, width: int) -> Content:
        found = part(self._report, when)
        score = number(found.get("score"))
        words = {name: self.say(f"results.{name}") for name in WHEN}
        wide = max(map(cell_len, words.values()))
        head = words[when] + " " * (wide - cell_len(words[when]) + 1)
        style = "bold $primary" if when == "after" else "bold"
        if score is None:
            return Content.assemble((head, "$text-muted"), (self.say("results.unknown"), "$text-muted"))
        low, high = number(found.get("low")), number(found.get("high"))
        said = f" {low:.3f} - {high:.3f}" if low is not None and high is not None else ""
        room = width - cell_len(head) - 6 - len(said) - 1
        scale = self._scale()
        drawn = (
            track(score / scale, low and low / scale, high and high / scale, room, self.ascii_only) if room > 6 else ""
        )
        return Content.assemble(
            (head, "$text-muted"), (f"{score:.3f} ", style), (drawn, "$primary"), (said, "$text-muted")
        )

    def _ways(self, width: int) -> list[Content]:
        """Better, worse, as before, as one bar and in numbers; how likely chance alone would do as much."""
        ways = self._tally
        if ways is None:
            return []
        counts = (ways.better, ways.worse, ways.same)
        ends = [round(sum(counts[: n + 1]) / sum(counts) * width) for n in range(len(counts))]
        signs = "+-=" if self.ascii_only else "⣿⣿⣀"
        cells = [sign * (end - start) for sign, start, end in zip(signs, [0, *ends], ends, strict=False)]
        drawn = Content.assemble(*zip(cells, ("$success", "$error", "$rule"), strict=True))
        said = Content(self.say("results.tally", better=ways.better, worse=ways.worse, same=ways.same)).truncate(width)
        if ways.chance is None:
            return [drawn, said]
        chance = "< 0.001" if ways.chance < 0.001 else f"= {ways.chance:.3f}"
        by_chance = Content.styled(self.say("results.chance", p=chance), "$text-muted").truncate(width)
        return [drawn, said, by_chance]

    def _scale(self) -> float:
        """One scale for both: 0..1, or 0 to the greatest where scores are losses."""
        ends = [number(part(self._report, when).get(name)) for when in WHEN for name in ("score", "high")]
        most = max((end for end in ends if end is not None), default=1.0)
        return most if most > 1 else 1.0

    def _losses(self) -> Content:
        losses = [number(part(self._report, when).get("loss")) for when in WHEN]
        if losses[0] is None or losses[1] is None:
            return Content("")
        return Content.styled(
            self.say("results.losses", before=f"{losses[0]:.3f}", after=f"{losses[1]:.3f}"), "$text-muted"
        )

    def _origin(self, width: int) -> Content:
        origins = part(self._report, "numbers")
        score, span = (self.say(f"origin.{_origin(origins, name)}") for name in ("after", "low"))
        return Content.styled(self.say("results.origin", score=score, span=span), "$text-muted").truncate(width)


def part(report: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a report that may be missing or of the wrong kind."""
    found = report.get(name)
    return found if isinstance(found, Mapping) else {}


def number(value: Any) -> float | None:
    """A finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def _origin(origins: Mapping[str, Any], name: str) -> str:
    found = origins.get(name)
    return found if found in ("measured", "computed", "assumed") else "assumed"
