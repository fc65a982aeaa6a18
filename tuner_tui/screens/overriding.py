"""A method that was ruled out is taken only after its price was read; the safe answer stands first."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from tuner_tui.keys import bindings
from tuner_tui.widgets.advice_detail import candidate
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.speaks import Plain, Say
from tuner_tui.words import words


class OverrideScreen(ModalScreen[bool]):
    """Shows what speaks against it, then asks."""

    BINDINGS = bindings("dialog")
    help_key = "override"
    DEFAULT_CSS = "OverrideScreen VerticalScroll { height: auto; max-height: 12; margin-bottom: 1; }"

    def __init__(self, advice: Any, ranked: Any) -> None:
        super().__init__()
        self._advice, self._ranked = advice, ranked

    def key_word(self, name: str) -> str | None:
        """Enter decides here."""
        return "keys.decide" if name == "accept" else None

    def compose(self) -> ComposeResult:
        """The price, two answers."""
        with Vertical(classes="dialog"):
            yield Say("override.title", id="title")
            with VerticalScroll(can_focus=False):
                yield Plain(id="price")
            yield Answers("override", "override", ("no", "yes"))
        yield KeyBar()

    def on_mount(self) -> None:
        """The price."""
        self.retranslate()

    def retranslate(self) -> None:
        """The price in the present language."""
        say = words(getattr(self.app, "lang", None)).say
        self.query_one("#price", Plain).show(candidate(self._advice, self._ranked, say, choose=False))

    def renew(self, advice: Any) -> None:
        """The advice came again, in another language."""
        again = next((each for each in advice.ranking if each.label == self._ranked.label), None)
        if again is not None:
            self._advice, self._ranked = advice, again
            self.retranslate()

    def on_answers_accepted(self) -> None:
        """Enter decides."""
        self.dismiss(self.query_one(Answers).chosen == ("yes",))

    def action_cancel(self) -> None:
        """Esc keeps the advice."""
        self.dismiss(False)
