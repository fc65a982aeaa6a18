"""The rail says where one is on the way, what is done and what can be reached; one row at the top of each step."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message

from tuner_tui.keys import STEPS
from tuner_tui.widgets.speaks import Speaks


class Rail(Speaks):
    """Nine steps with digit and name; done ones carry a check mark, the present one is reversed."""

    DEFAULT_CSS = "Rail { height: 1; background: $panel; color: $text-muted; }"

    class Picked(Message):
        """A step was clicked."""

        def __init__(self, step: str) -> None:
            self.step = step
            super().__init__()

    def __init__(self, current: str) -> None:
        super().__init__()
        self.current = current
        self.done: frozenset[str] = frozenset()
        self._spans: list[tuple[int, int, str]] = []

    def show(self, done: frozenset[str]) -> None:
        """Mark these steps as done."""
        if done != self.done:
            self.done = done
            self.refresh()

    def retranslate(self) -> None:
        """Draw the names anew."""
        self.refresh()

    def render(self) -> Content:
        """The row; where room is short the sign stands between digit and name, and the farthest names are left out."""
        width = self.content_size.width
        names = {step: self.say(f"step.{step}") for step in STEPS}
        parts: list[Content | tuple[str, str] | str] = []
        self._spans = []
        brand = " tuner  " if width >= 96 else ""
        at = len(brand)
        parts.append((brand, "bold $primary"))
        roomy = sum(cell_len(name) + 4 for name in names.values()) <= width - at
        if not roomy:
            self._shorten(names, width)
        for number, step in enumerate(STEPS, 1):
            sign = self._sign(step)
            word = f"{sign}{number} {names[step]} " if roomy else f"{number}{sign}{names[step]}".rstrip()
            gap = "" if roomy else " "
            parts += [gap, (word, self._style(step))]
            self._spans.append((at + len(gap), at + len(gap) + cell_len(word), step))
            at += len(gap) + cell_len(word)
        return Content.assemble(*parts)

    def _sign(self, step: str) -> str:
        """A sign beside the colour for what has an answer."""
        if step not in self.done:
            return " "
        return "+" if getattr(self.app, "settings", None) and self.app.settings.ascii else "✓"  # type: ignore[attr-defined]

    def _style(self, step: str) -> str:
        if step == self.current:
            return "bold $on-primary on $primary"
        return "$success" if step in self.done else "$text-muted"

    def _shorten(self, names: dict[str, str], room: int) -> None:
        """Take names away, the farthest first, until the rest fits."""
        here = STEPS.index(self.current)
        for step in sorted(STEPS, key=lambda step: abs(STEPS.index(step) - here), reverse=True):
            if sum(cell_len(name) + 3 for name in names.values()) <= room:
                break
            names[step] = ""

    def on_click(self, event: events.Click) -> None:
        """The mouse is an extra."""
        for start, end, step in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(step))
