"""One quantity in one row; Left and Right move it through its steps, and today's value is always said beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message

from tuner_tui.keys import bindings
from tuner_tui.widgets.speaks import Speaks

NAME_CELLS = 22


class Steps(Speaks):
    """`values` in order; `today` is the value that the answers hold, and stays one of the steps."""

    BINDINGS: ClassVar[Any] = bindings("steps")
    DEFAULT_CSS = """
    Steps { height: 1; width: 1fr; }
    Steps:focus { background: $block-cursor-background; }
    """
    can_focus = True

    class Moved(Message):
        """Another value."""

        def __init__(self, name: str, value: Any) -> None:
            self.name, self.value = name, value
            super().__init__()

    def __init__(self, name: str, label: str, values: Sequence[Any], today: Any, words: Callable[[Any], str]) -> None:
        super().__init__(id=f"steps-{name}")
        self.field, self.label, self.words, self.today = name, label, words, today
        self.values = steps_with(values, today)
        self.at = self.values.index(today)
        self.help_key = f"field.{name}"

    def help_also(self) -> list[str]:
        """Where the quantity is asked as a question: why, and what is typical."""
        return [f"q.{self.field}.why", f"q.{self.field}.typical"]

    def retranslate(self) -> None:
        """Draw the words anew."""
        self.refresh()

    def name_words(self) -> str:
        """What the quantity is called."""
        return self.say(self.label)

    def render(self) -> Content:
        """Name, the value between arrows, and today's where it differs."""
        name = self.name_words()
        name += " " * max(1, NAME_CELLS - cell_len(name))
        value, changed = self.values[self.at], self.values[self.at] != self.today
        before = "<" if self.at else " "
        after = ">" if self.at + 1 < len(self.values) else " "
        said = self.words(value)
        parts = [
            (name, "" if self.has_focus else "$text-muted"),
            (f"{before} ", "$primary"),
            (said, "bold $accent" if changed else "bold"),
            (f" {after}", "$primary"),
        ]
        if changed:
            parts.append(("   " + self.say("whatif.today", value=self.words(self.today)), "$text-muted"))
        return Content.assemble(*parts)

    def _move(self, by: int) -> None:
        at = min(max(self.at + by, 0), len(self.values) - 1)
        if at != self.at:
            self.at = at
            self.refresh()
            self.post_message(self.Moved(self.field, self.values[at]))

    def action_less(self) -> None:
        """One step down."""
        self._move(-1)

    def action_more(self) -> None:
        """One step up."""
        self._move(1)

    def action_today(self) -> None:
        """Back to today's value."""
        self._move(self.values.index(self.today) - self.at)


def steps_with(values: Sequence[Any], today: Any) -> list[Any]:
    """The steps with today's value among them, in order; unknown comes first."""
    steps = [value for value in values if value is not None]
    if today is not None and today not in steps:
        numbers = all(isinstance(value, int | float) for value in (*steps, today))
        steps = sorted([*steps, today]) if numbers else [today, *steps]
    return [None, *steps] if today is None or None in values else steps
