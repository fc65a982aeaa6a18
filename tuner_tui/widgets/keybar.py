"""The footer shows the keys that work right now, in the app's language, read from the one table."""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len
from textual import events
from textual.content import Content

from tuner_tui.keys import key_of, label_of, rank_of
from tuner_tui.widgets.speaks import Speaks

FIRST, LAST = ("help", "language", "advance"), ("back", "palette", "quit")


class Entry(NamedTuple):
    """One key of the row."""

    id: str
    label: str
    word: str
    pressed: str


class KeyBar(Speaks):
    """One row: key and word, the focused thing's own keys first; the least important are left out when narrow."""

    DEFAULT_CSS = "KeyBar { height: 1; dock: bottom; background: $panel; color: $text-muted; }"

    def __init__(self) -> None:
        super().__init__()
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow whatever changes the keys that work."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def retranslate(self) -> None:
        """Draw the words anew."""
        self.refresh()

    def _entries(self) -> list[Entry]:
        found: dict[str, tuple[str, str]] = {}
        for pressed, active in self.screen.active_bindings.items():
            key = key_of(active.binding.id)
            if key and key.shown and active.enabled and key.id not in found:
                found[key.id] = (label_of(pressed), pressed)
        return [Entry(name, found[name][0], self._word(name), found[name][1]) for name in sorted(found, key=rank_of)]

    def _word(self, name: str) -> str:
        """What the key does here: the screen may know it better than the table."""
        here = getattr(self.screen, "key_word", None)
        return self.say((here(name) if here is not None else None) or f"keys.{name}")

    def render(self) -> Content:
        """As many whole entries as fit: help, language and the way on first, then what only this place has."""
        entries, room = self._entries(), self.content_size.width
        fitting = set()
        for entry in sorted(entries, key=_need):
            if room >= self._width(entry):
                room -= self._width(entry)
                fitting.add(entry.id)
        shown = [entry for entry in entries if entry.id in fitting]
        parts: list[tuple[str, str]] = []
        self._spans, at = [], 0
        for entry in shown:
            parts += [(f" {entry.label}", "bold $accent"), (f" {entry.word} ", "$foreground")]
            self._spans.append((at, at + self._width(entry), entry.pressed))
            at += self._width(entry)
        return Content.assemble(*parts)

    @staticmethod
    def _width(entry: Entry) -> int:
        return cell_len(entry.label) + cell_len(entry.word) + 3

    def on_click(self, event: events.Click) -> None:
        """A click does what the key does."""
        for start, end, pressed in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(pressed)


def _need(entry: Entry) -> tuple[int, int]:
    """The order in which entries get room."""
    return (0 if entry.id in FIRST else 2 if entry.id in LAST else 1), rank_of(entry.id)
