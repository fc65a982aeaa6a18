"""The advice so far, beside the questions: it follows the answers, and a reason that just appeared is marked."""

from __future__ import annotations

import re
from typing import Any

from textual.containers import VerticalScroll
from textual.content import Content

from tuner_tui.safe import clean
from tuner_tui.widgets.hanging import Hanging, Row, hung
from tuner_tui.widgets.labels import spoken, terms
from tuner_tui.widgets.speaks import Speaks

_SENTENCES = re.compile(r"(?<=[.!?])\s+")


class AdvicePanel(VerticalScroll, Speaks):
    """Top answer, confidence, and a sentence for each reason, as many as fit; new ones first, with the word for new."""

    DEFAULT_CSS = """
    AdvicePanel { border: round $rule; border-title-color: $foreground; padding: 0 1; }
    """
    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.advice: Any = None
        self._before: frozenset[str] | None = None
        self._fresh: frozenset[str] = frozenset()
        self._body = Hanging()
        self.help_key = "advice_panel"

    def compose(self) -> Any:
        """One text."""
        yield self._body

    def on_mount(self) -> None:
        """The title needs the language."""
        self.retranslate()

    def help_terms(self) -> list[str]:
        """The terms of the present answer."""
        return terms(self.advice.label) if self.advice else []

    def retranslate(self) -> None:
        """Say it anew."""
        self.border_title = Content(self.say("advice_panel.title"))
        self._draw()

    def show(self, advice: Any) -> None:
        """Draw this advice (None: not available), marking reasons that were not there before."""
        rules = frozenset(reason.rule for reason in advice.reasons) if advice else frozenset()
        if self._before is not None and rules != self._before:
            self._fresh = rules - self._before
        self._before, self.advice = rules, advice
        self._draw()

    def on_resize(self) -> None:
        """Another height, other reasons that fit."""
        self._draw()

    def _draw(self) -> None:
        advice, blank = self.advice, (Content(""), Content(""))
        if advice is None:
            self._body.show([(Content(""), Content.styled(self.say("advice_panel.none"), "$text-muted"))])
            return
        head = [
            (Content(""), Content.styled(spoken(advice.label, self.say), "bold $primary")),
            (Content(""), Content.styled(confidence(advice.confidence, self.say), "$text-muted")),
        ]
        reasons = [
            each
            for reason in sorted(advice.reasons, key=lambda each: each.rule not in self._fresh)
            for each in (blank, self._reason(reason))
        ]
        more = [blank, (Content(""), Content.styled(self.say("advice_panel.more"), "$text-muted"))]
        room = self.content_size.height - _lines([*head, *more], self.content_size.width)
        while len(reasons) > 2 and _lines(reasons, self.content_size.width) > room:
            del reasons[-2:]
        self._body.show([*head, *reasons, *more])

    def _reason(self, reason: Any) -> Row:
        fresh = reason.rule in self._fresh
        word = (f"{self.say('advice_panel.new')} ", "$accent") if fresh else ""
        return Content("- "), Content.assemble(word, first_sentence(clean(reason.text, 800)))


def _lines(rows: list[Row], width: int) -> int:
    return sum(len(hung(*row, width)) for row in rows)


def first_sentence(text: str) -> str:
    """What a reason says before it goes into detail; a full stop within brackets ends nothing."""
    for end in _SENTENCES.finditer(text):
        said = text[: end.start()]
        if said.count("(") == said.count(")"):
            return said
    return text


def confidence(value: Any, say: Any) -> str:
    """Confidence in a word, with the number where it is one."""
    if isinstance(value, int | float):
        word = "high" if value >= 0.75 else "medium" if value >= 0.5 else "low"
        return str(say(f"confidence.{word}")) + f" ({value:.0%})"
    key = f"confidence.{value}"
    return str(say(key)) if str(value) in ("high", "medium", "low") else str(value)
