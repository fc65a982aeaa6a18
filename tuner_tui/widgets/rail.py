"""The rail says where one is on the way, what is done and what can be reached; one row at the top of each step."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message

from tuner_tui.keys import STEPS
from tuner_tui.widgets.speaks import Speaks


class Rail(Speaks):
    """Nine steps with digit and name; done ones carry a check mark when there is room, the present one is reversed."""

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
        """The row; what does not fit keeps its digit and loses its name, the farthest steps first."""
        width = self.content_size.width
        parts: list[Content | tuple[str, str] | str] = []
        self._spans = []
        brand = " tuner  " if width >= 96 else ""
        at = len(brand)
        parts.append((brand, "bold $primary"))
        names, end = self._names(width - at)
        for number, step in enumerate(STEPS, 1):
            sign = self._sign(step)
            word = f"{sign}{number} {names[step]}{end}" if names[step] else f"{sign}{number}{end}"
            parts.append((word, self._style(step)))
            self._spans.append((at, at + cell_len(word), step))
            at += cell_len(word)
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

    def _names(self, room: int) -> tuple[dict[str, str], str]:
        """What each step is called, and what stands between two of them: nothing where room is short."""
        names = {step: self.say(f"step.{step}") for step in STEPS}
        here = STEPS.index(self.current)
        end = " " if sum(cell_len(name) + 4 for name in names.values()) <= room else ""
        far = sorted(STEPS, key=lambda step: abs(STEPS.index(step) - here), reverse=True)
        for step in far:
            if sum(cell_len(name) + 3 + len(end) if name else 2 + len(end) for name in names.values()) <= room:
                break
            names[step] = ""
        return names, end

    def on_click(self, event: events.Click) -> None:
        """The mouse is an extra."""
        for start, end, step in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(step))
