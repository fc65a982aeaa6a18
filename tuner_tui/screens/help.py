"""Help explains the thing that has the focus, then lists the keys that work there, from the one table."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen

from tuner_tui.keys import bindings, key_of, label_of, rank_of
from tuner_tui.widgets.hanging import Hanging, Row
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.speaks import Say
from tuner_tui.words import words


def topics(screen: Screen[Any]) -> list[str]:
    """Help keys from the focused thing outwards: terms under the cursor, the widget, the step."""
    found: list[str] = []
    node: Any = screen.focused
    while node is not None and node is not screen:
        found += _terms(node)
        key = getattr(node, "help_key", None)
        found += [f"help.{key}"] if key else []
        also = getattr(node, "help_also", None)
        found += also() if callable(also) else []
        node = node.parent
    step, place = getattr(screen, "STEP", None), getattr(screen, "help_key", None)
    return [*found, *_terms(screen), f"help.step.{step}" if step else f"help.{place}"]


def _terms(node: Any) -> list[str]:
    terms = getattr(node, "help_terms", None)
    return [f"term.{term}" for term in terms()] if callable(terms) else []


class HelpScreen(ModalScreen[None]):
    """F1."""

    BINDINGS = bindings("modal")

    def __init__(self, asked_on: Screen[Any]) -> None:
        super().__init__()
        self._asked_on = asked_on
        self._topics = topics(asked_on)
        self._keys = [(label_of(pressed), active.binding.id) for pressed, active in asked_on.active_bindings.items()]

    def compose(self) -> ComposeResult:
        """A dialog that scrolls."""
        with VerticalScroll(classes="dialog"):
            yield Say("help.title", id="title")
            yield Hanging(id="body")
        yield KeyBar()

    def on_mount(self) -> None:
        """Fill it."""
        self.retranslate()

    def retranslate(self) -> None:
        """All of it in the present language."""
        table = words(getattr(self.app, "lang", None))
        rows: list[Row] = []
        for topic in dict.fromkeys(self._topics):
            if table.has(topic):
                rows += [(Content(""), Content(table.say(topic))), (Content(""), Content(""))]
        rows.append((Content(""), Content.styled(table.say("help.keys"), "bold $primary")))
        seen: dict[str, list[str]] = {}
        for label, name in self._keys:
            if key_of(name):
                seen.setdefault(str(name), []).append(label)
        steps = [name for name in seen if name.startswith("step_")]
        for name in sorted(seen.keys() - set(steps), key=rank_of):
            rows.append(_key_row(" / ".join(seen[name]), table.say(f"keys.{name}.help")))
        if steps:
            rows.append(_key_row("1 - 9", table.say("keys.steps.help")))
        self.query_one("#body", Hanging).show(rows)

    def action_close(self) -> None:
        """Back to where one was."""
        self.dismiss()


def _key_row(pressed: str, help_text: str) -> Row:
    return Content.styled(f"{pressed:<15} ", "bold $accent"), Content(help_text)
