"""The advice so far, beside the questions: it follows the answers, and a reason that just appeared is marked."""

from __future__ import annotations

from typing import Any

from textual.containers import VerticalScroll
from textual.content import Content

from tuner_tui.safe import clean
from tuner_tui.widgets.labels import spoken, terms
from tuner_tui.widgets.speaks import Plain, Speaks

REASONS = 6


class AdvicePanel(VerticalScroll, Speaks):
    """Top answer, confidence, and the reasons for it; new reasons carry the word for new."""

    DEFAULT_CSS = """
    AdvicePanel { border: round $rule; border-title-color: $foreground; padding: 0 1; }
    """
    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.advice: Any = None
        self._before: frozenset[str] | None = None
        self._fresh: frozenset[str] = frozenset()
        self._body = Plain()
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
        self._body.show(self._content())

    def show(self, advice: Any) -> None:
        """Draw this advice (None: not available), marking reasons that were not there before."""
        rules = frozenset(reason.rule for reason in advice.reasons) if advice else frozenset()
        if self._before is not None and rules != self._before:
            self._fresh = rules - self._before
        self._before, self.advice = rules, advice
        self._body.show(self._content())

    def _content(self) -> Content:
        if self.advice is None:
            return Content.styled(self.say("advice_panel.none"), "$text-muted")
        advice = self.advice
        parts: list[Content | tuple[str, str]] = [
            (spoken(advice.label, self.say), "bold $primary"),
            (f"\n{confidence(advice.confidence, self.say)}\n", "$text-muted"),
        ]
        for reason in sorted(advice.reasons, key=lambda each: each.rule not in self._fresh)[:REASONS]:
            new = reason.rule in self._fresh
            parts.append((f"\n{self.say('advice_panel.new')} " if new else "\n- ", "$accent" if new else "$text-muted"))
            parts.append((clean(reason.text, 300), "$foreground"))
        return Content.assemble(*parts)


def confidence(value: Any, say: Any) -> str:
    """Confidence in a word, with the number where it is one."""
    if isinstance(value, int | float):
        word = "high" if value >= 0.75 else "medium" if value >= 0.5 else "low"
        return str(say(f"confidence.{word}")) + f" ({value:.0%})"
    key = f"confidence.{value}"
    return str(say(key)) if str(value) in ("high", "medium", "low") else str(value)
