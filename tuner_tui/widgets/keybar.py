"""The footer shows the keys that work right now, in the app's language, read from the one table."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content

from tuner_tui.keys import key_of, label_of, rank_of
from tuner_tui.widgets.speaks import Speaks


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

    def _entries(self) -> list[tuple[str, str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for pressed, active in self.screen.active_bindings.items():
            key = key_of(active.binding.id)
            if key and key.shown and active.enabled and key.id not in found:
                found[key.id] = (label_of(pressed), pressed)
        ordered = sorted(found, key=rank_of)
        return [(found[name][0], self.say(f"keys.{name}"), found[name][1]) for name in ordered]

    def render(self) -> Content:
        """The row, cut at a whole entry; help and language always stay."""
        entries, room = self._entries(), self.content_size.width
        keep = [entry for entry in entries if entry[2] in ("f1", "f2")]
        room -= sum(self._width(entry) for entry in keep)
        shown = []
        for entry in entries:
            if entry in keep or (room := room - self._width(entry)) >= 0:
                shown.append(entry)
            elif entry not in keep:
                room += self._width(entry)
        parts: list[tuple[str, str]] = []
        self._spans, at = [], 0
        for label, word, pressed in shown:
            parts += [(f" {label}", "bold $accent"), (f" {word} ", "$foreground")]
            self._spans.append((at, at + self._width((label, word, pressed)), pressed))
            at += self._width((label, word, pressed))
        return Content.assemble(*parts)

    @staticmethod
    def _width(entry: tuple[str, str, str]) -> int:
        return cell_len(entry[0]) + cell_len(entry[1]) + 3

    def on_click(self, event: events.Click) -> None:
        """A click does what the key does."""
        for start, end, pressed in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(pressed)
