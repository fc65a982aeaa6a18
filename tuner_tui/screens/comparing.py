"""Two methods side by side, in the same words as the advice."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen

from tuner_tui.keys import bindings
from tuner_tui.widgets.advice_detail import answer, candidate
from tuner_tui.widgets.hanging import Hanging
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.speaks import Say
from tuner_tui.words import words


class CompareScreen(ModalScreen[None]):
    """The advised method at the left, the other one at the right; both scroll."""

    BINDINGS = bindings("modal")
    DEFAULT_CSS = """
    CompareScreen VerticalScroll { width: 1fr; height: 1fr; border: round $rule; padding: 0 1; }
    CompareScreen VerticalScroll:focus { border: round $primary; }
    """

    def __init__(self, advice: Any, other: Any) -> None:
        super().__init__()
        self._advice, self._other = advice, other

    def compose(self) -> ComposeResult:
        """Two columns."""
        with Vertical(classes="dialog"):
            yield Say("compare.title", id="title")
            with Horizontal():
                with VerticalScroll():
                    yield Hanging(id="advised")
                with VerticalScroll():
                    yield Hanging(id="other")
        yield KeyBar()

    def on_mount(self) -> None:
        """Fill both."""
        say = words(getattr(self.app, "lang", None)).say
        self.query_one("#advised", Hanging).tell(answer(self._advice, say))
        self.query_one("#other", Hanging).tell(candidate(self._advice, self._other, say))

    def action_close(self) -> None:
        """Back to the advice."""
        self.dismiss()
