"""A question that has to be answered before something happens; Esc always means: nothing happens."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuner_tui.keys import bindings
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.speaks import Say


class SureScreen(ModalScreen[str]):
    """Words `NAME.title`, `NAME.text`, and `NAME.CHOICE` for each choice; the last choice is what Esc means."""

    BINDINGS = bindings("dialog")
    help_key = "sure"

    def __init__(self, name: str, choices: tuple[str, ...], **params: object) -> None:
        super().__init__()
        self._topic, self._choices = name, choices
        self._params: dict[str, Any] = params

    def key_word(self, name: str) -> str | None:
        """Enter decides here."""
        return "keys.decide" if name == "accept" else None

    def compose(self) -> ComposeResult:
        """The question and its answers."""
        with Vertical(classes="dialog"):
            yield Say(f"{self._topic}.title", id="title")
            yield Say(f"{self._topic}.text", classes="muted", **self._params)
            yield Answers(self._topic, self._topic, self._choices)
        yield KeyBar()

    def on_answers_accepted(self) -> None:
        """Enter decides."""
        chosen = self.query_one(Answers).chosen
        self.dismiss(chosen[0] if chosen else self._choices[-1])

    def action_cancel(self) -> None:
        """Esc: nothing happens."""
        self.dismiss(self._choices[-1])
