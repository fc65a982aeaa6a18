"""Two methods side by side, in the same words as the advice."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from tuner_tui.keys import bindings
from tuner_tui.widgets.advice_detail import side
from tuner_tui.widgets.hanging import Hanging
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.labels import short
from tuner_tui.widgets.speaks import Say
from tuner_tui.words import words


class CompareScreen(ModalScreen[None]):
    """Two methods of one advice, each in a half that scrolls; the first rows can be read across."""

    BINDINGS = bindings("modal")
    help_key = "compare"
    DEFAULT_CSS = """
    CompareScreen VerticalScroll {
        width: 1fr; height: 1fr; border: round $rule; border-title-color: $foreground; padding: 0 1;
    }
    CompareScreen VerticalScroll:focus { border: round $primary; }
    """

    def __init__(self, advice: Any, first: Any, second: Any) -> None:
        super().__init__()
        self._advice, self._first, self._second = advice, first, second

    def compose(self) -> ComposeResult:
        """Two columns."""
        with Vertical(classes="dialog"):
            yield Say("compare.title", id="title")
            with Horizontal():
                for name in ("first", "second"):
                    with VerticalScroll(id=f"half-{name}"):
                        yield Hanging(id=name)
        yield KeyBar()

    def on_mount(self) -> None:
        """Fill both."""
        self.retranslate()

    def retranslate(self) -> None:
        """Names of the halves and what stands in them."""
        say = words(getattr(self.app, "lang", None)).say
        for name, ranked in (("first", self._first), ("second", self._second)):
            self.query_one(f"#half-{name}").border_title = Content(short(ranked.label, say))
            self.query_one(f"#{name}", Hanging).tell(side(self._advice, ranked, say))

    def renew(self, advice: Any) -> None:
        """The advice came again, in another language."""
        ranked = {each.label: each for each in advice.ranking}
        if self._first.label in ranked and self._second.label in ranked:
            self._advice = advice
            self._first, self._second = ranked[self._first.label], ranked[self._second.label]
            self.retranslate()

    def action_close(self) -> None:
        """Back to the advice."""
        self.dismiss()
