"""One choice in one row: all values in sight, Left and Right choose, a sign as well as colour marks the chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message

from tuner_tui.keys import bindings
from tuner_tui.widgets.speaks import Speaks


class Pick(Speaks):
    """Values of a closed set; words are `PREFIX.VALUE`, the name of the row is `label`."""

    BINDINGS: ClassVar[Any] = bindings("pick")
    DEFAULT_CSS = """
    Pick { height: auto; width: 1fr; color: $foreground; }
    Pick:focus { background: $block-cursor-background; }
    """
    can_focus = True

    class Picked(Message):
        """Another value."""

        def __init__(self, name: str, value: str) -> None:
            self.name, self.value = name, value
            super().__init__()

    class Entered(Message):
        """Enter in this row."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(self, name: str, label: str, prefix: str, values: Sequence[str], *, width: int = 16) -> None:
        super().__init__(id=name)
        self.field, self.label, self.prefix, self.values, self.width = name, label, prefix, tuple(values), width
        self.value: str | None = None
        self.help_key = f"field.{name}"
        self._spans: list[tuple[int, int, str]] = []

    def show(self, value: str | None) -> None:
        """Mark this value."""
        if value != self.value:
            self.value = value
            self.refresh()

    def retranslate(self) -> None:
        """Draw the words anew."""
        self.refresh(layout=True)

    def render(self) -> Content:
        """Name, then the values in a row."""
        name = self.say(self.label)
        name += " " * max(1, self.width - cell_len(name))
        parts: list[tuple[str, str]] = [(name, "" if self.has_focus else "$text-muted")]
        self._spans, at = [], cell_len(name)
        for value in self.values:
            picked = value == self.value
            word = f"{'(*)' if picked else '( )'} {self.say(f'{self.prefix}.{value}')}  "
            parts.append((word, "bold $accent" if picked else ""))
            self._spans.append((at, at + cell_len(word), value))
            at += cell_len(word)
        return Content.assemble(*parts)

    def _move(self, by: int) -> None:
        at = self.values.index(self.value) if self.value in self.values else (-1 if by > 0 else 0)
        self._choose(self.values[(at + by) % len(self.values)])

    def _choose(self, value: str) -> None:
        self.show(value)
        self.post_message(self.Picked(self.field, value))

    def action_previous(self) -> None:
        """The value before."""
        self._move(-1)

    def action_following(self) -> None:
        """The value after."""
        self._move(1)

    def action_enter(self) -> None:
        """On to what follows."""
        self.post_message(self.Entered(self.field))

    def on_click(self, event: events.Click) -> None:
        """The mouse is an extra."""
        for start, end, value in self._spans:
            if event.y == 0 and start <= event.x < end:
                self._choose(value)
