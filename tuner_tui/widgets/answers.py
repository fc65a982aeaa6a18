"""A list of answers: one, or several (numbered by importance when ranked); the chosen ones are marked by signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tuner_tui.keys import bindings
from tuner_tui.widgets.speaks import Speaks


class Answers(OptionList, Speaks):
    """Choices of one question. Space chooses; Enter chooses (when one is wanted) and goes on."""

    BINDINGS = bindings("answers")
    DEFAULT_CSS = """
    Answers { height: auto; max-height: 100%; border: none; background: transparent; padding: 0; }
    Answers:focus { border: none; background-tint: transparent; }
    """

    class Changed(Message):
        """The chosen values, in order."""

        def __init__(self, name: str, chosen: tuple[str, ...]) -> None:
            self.name, self.chosen = name, chosen
            super().__init__()

    class Accepted(Message):
        """The person is done with this question."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(
        self,
        question: str,
        prefix: str,
        values: Sequence[str],
        *,
        several: bool = False,
        ranked: bool = True,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id, markup=False)
        self.question, self.prefix, self.values, self.several = question, prefix, tuple(values), several
        self.ranked = ranked
        self.chosen: tuple[str, ...] = ()
        self.help_key = f"question.{question}"

    def help_also(self) -> list[str]:
        """What help says besides: the highlighted answer, why this is asked, what is typical."""
        value = self.values[self.highlighted] if self.highlighted is not None and self.values else ""
        return [f"{self.prefix}.{value}.hint", f"q.{self.question}.why", f"q.{self.question}.typical"]

    def on_mount(self) -> None:
        """Fill the list once the language is known."""
        self.retranslate()

    def ask(self, question: str, prefix: str, values: Sequence[str], several: bool, chosen: tuple[str, ...]) -> None:
        """Turn to another question."""
        self.question, self.prefix, self.values, self.several = question, prefix, tuple(values), several
        self.help_key = f"question.{question}"
        self.chosen = chosen
        self.retranslate()
        self.highlighted = self.values.index(chosen[0]) if chosen and chosen[0] in self.values else 0

    def show(self, chosen: tuple[str, ...]) -> None:
        """Mark these values as chosen; while the keys go elsewhere, the cursor stands on the first of them."""
        if chosen != self.chosen:
            self.chosen = chosen
            self.retranslate()
            if not self.has_focus and chosen and chosen[0] in self.values:
                self.highlighted = self.values.index(chosen[0])

    def retranslate(self) -> None:
        """Write every answer in the present language, keeping the place."""
        if not self.is_attached:
            return
        at = self.highlighted
        self.set_options([Option(self._prompt(value)) for value in self.values])
        self.highlighted = at if at is not None and at < len(self.values) else 0

    def _prompt(self, value: str) -> Content:
        title = self.say(f"{self.prefix}.{value}")
        picked = value in self.chosen
        return Content.assemble(
            (f"{self._mark(value)} ", "bold $accent" if picked else ""), (title, "bold" if picked else "")
        )

    def _mark(self, value: str) -> str:
        if not self.several:
            return "(*)" if value in self.chosen else "( )"
        if value not in self.chosen:
            return "[ ]"
        return f"[{self.chosen.index(value) + 1}]" if self.ranked else "[x]"

    def _toggle(self, value: str) -> None:
        if self.several:
            kept = tuple(each for each in self.chosen if each != value)
            self.chosen = kept if value in self.chosen else (*self.chosen, value)
        else:
            self.chosen = (value,)
        self.retranslate()
        self.post_message(self.Changed(self.question, self.chosen))

    def action_choose(self) -> None:
        """Choose or let go of the highlighted answer."""
        if self.highlighted is not None:
            self._toggle(self.values[self.highlighted])

    def action_accept(self) -> None:
        """Go on; a single answer that is highlighted is thereby chosen."""
        if not self.several and self.highlighted is not None:
            self._toggle(self.values[self.highlighted])
        self.post_message(self.Accepted(self.question))

    def on_option_list_option_selected(self, event: Any) -> None:
        """A click chooses."""
        event.stop()
        self._toggle(self.values[event.option_index])
