"""A method that was ruled out is taken only after its price was read; the safe answer stands first."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from tuner_tui.keys import bindings
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.speaks import Plain, Say


class OverrideScreen(ModalScreen[bool]):
    """Shows what speaks against it, then asks."""

    BINDINGS = bindings("dialog")
    DEFAULT_CSS = "OverrideScreen VerticalScroll { height: auto; max-height: 12; margin-bottom: 1; }"

    def __init__(self, price: Content) -> None:
        super().__init__()
        self._price = price

    def compose(self) -> ComposeResult:
        """The price, two answers."""
        with Vertical(classes="dialog"):
            yield Say("override.title", id="title")
            with VerticalScroll(can_focus=False):
                yield Plain(self._price)
            yield Answers("override", "override", ("no", "yes"))
        yield KeyBar()

    def on_answers_accepted(self) -> None:
        """Enter decides."""
        self.dismiss(self.query_one(Answers).chosen == ("yes",))

    def action_cancel(self) -> None:
        """Esc keeps the advice."""
        self.dismiss(False)
