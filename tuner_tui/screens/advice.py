"""Step 5 shows the answer and everything that lost against it; choosing otherwise is possible, its price said."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from advisor.facts import Facts
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.safe import clean
from tuner_tui.screens.step import StepScreen
from tuner_tui.state import Wizard, with_facts
from tuner_tui.widgets.advice_detail import answer, candidate, line
from tuner_tui.widgets.hanging import Hanging
from tuner_tui.widgets.labels import Sayer, short, terms
from tuner_tui.words import words

SCROLLBAR = 2
"""Cells that the scrollbar and the list's own padding take from a row."""


class Ranking(OptionList):
    """Every method, the best first."""

    BINDINGS: ClassVar[Any] = bindings("ranking")
    help_key = "ranking"
    labels: list[str]
    ranked: list[Any]
    marked: str | None = None
    """The method that the highlighted one is compared with, in place of the advised one."""

    def fill(self, ranked: list[Any], say: Sayer) -> None:
        """Draw these methods, each in one row of the present width."""
        self.ranked, self.labels = ranked, [each.label for each in ranked]
        at, width = self.highlighted, max(20, self.content_region.width - SCROLLBAR)
        self.set_options([Option(line(each, width, say, each.label == self.marked)) for each in ranked])
        self.highlighted = min(at or 0, len(ranked) - 1) if ranked else None

    def action_mark(self) -> None:
        """Keep the highlighted method for the comparison, or let go of it."""
        if self.highlighted is not None and self.ranked:
            label = self.labels[self.highlighted]
            self.marked = None if label == self.marked else label
            self.fill(self.ranked, words(getattr(self.app, "lang", None)).say)

    def help_terms(self) -> list[str]:
        """The terms of the highlighted method."""
        at = self.highlighted
        return terms(self.labels[at]) if at is not None and at < len(self.labels) else []


class AdviceScreen(StepScreen):
    """Ranking at the left, the highlighted method at the right."""

    STEP = "advice"
    FIRST_FOCUS = "Ranking"
    CSS_PATH = "advice.tcss"
    BINDINGS = bindings("advice")

    advice: Any = None
    _asked: Any = None

    class Advised(Message):
        """The advice came (None: not available, with the reason said)."""

        def __init__(self, advice: Any, problem: str = "") -> None:
            self.advice, self.problem = advice, problem
            super().__init__()

    def compose_content(self) -> ComposeResult:
        """Two columns."""
        with Horizontal():
            ranking = Ranking(id="ranking", markup=False)
            ranking.labels, ranking.ranked = [], []
            yield ranking
            with VerticalScroll(id="detail", classes="panel"):
                yield Hanging(id="words")

    def load(self, wizard: Wizard) -> None:
        """Ask anew when the facts or the language changed."""
        self.query_one("#detail").border_title = self.say("advice.detail")
        asked = (wizard.facts, self.tuner.lang)
        if asked == self._asked and self.advice is not None:
            self._say_choice()
            return
        self._asked = asked
        if not wizard.facts.goals:
            self._advised(self.Advised(None, self.say("advice.no_goal")))
        else:
            self.query_one("#words", Hanging).tell(self.say("advice.thinking"))
            self._recommend(wizard, self.tuner.lang)

    @work(thread=True, exclusive=True, group="advice", exit_on_error=False)
    def _recommend(self, wizard: Wizard, lang: str) -> None:
        try:
            self.post_message(self.Advised(self.tuner.outside.recommend(wizard.facts, lang, flips=True)))
        except Unavailable:
            self.post_message(self.Advised(None, self.say("advice.unavailable")))
        except Exception as error:  # said on the screen, where the answers can still be changed
            detail = clean(f"{type(error).__name__}: {error}", 300)
            self.post_message(self.Advised(None, self.say("advice.failed", detail=detail)))

    @on(Advised)
    def _advised(self, event: Advised) -> None:
        self.advice = event.advice
        ranking = self.query_one(Ranking)
        ranking.fill(self.advice.ranking if self.advice else [], self.say)
        if not ranking.ranked:
            self.query_one("#words", Hanging).tell(event.problem)
            self.notice("")
            return
        self._show()
        self._say_choice()
        renew = getattr(self.app.screen, "renew", None)  # a dialog above that quotes the advice
        if renew is not None:
            renew(self.advice)

    def on_resize(self) -> None:
        """Rows are as wide as the list."""
        ranking = self.query_one(Ranking)
        self.call_after_refresh(lambda: ranking.fill(ranking.ranked, self.say))

    def _say_choice(self) -> None:
        preferred = self.wizard.preferred
        if self.advice is None:
            return
        if preferred and preferred != self.advice.label:
            self.notice(self.say("advice.you_chose", label=short(preferred, self.say)), "warn")
        else:
            self.notice(self.say("advice.as_advised", label=short(self.advice.label, self.say)), "muted")

    @on(OptionList.OptionHighlighted, "#ranking")
    def _moved(self) -> None:
        self._show()

    def _show(self) -> None:
        ranked = self._highlighted()
        if ranked is None:
            return
        winner = ranked.label == self.advice.label
        shown = answer(self.advice, self.say) if winner else candidate(self.advice, ranked, self.say)
        self.query_one("#words", Hanging).tell(shown)
        self.query_one("#detail", VerticalScroll).scroll_home(animate=False)

    def _highlighted(self) -> Any:
        at = self.query_one(Ranking).highlighted
        return self.advice.ranking[at] if self.advice and at is not None else None

    # -- keys --------------------------------------------------------------------------------------------------

    @on(OptionList.OptionSelected, "#ranking")
    def _taken(self) -> None:
        """Enter on the answer in force goes on; on another one it asks to choose it."""
        ranked = self._highlighted()
        if ranked is None or ranked.label == (self.wizard.preferred or self.advice.label):
            self.action_advance()
        else:
            self.action_prefer()

    def action_prefer(self) -> None:
        """Plan with the highlighted method; one that was ruled out says its price first."""
        ranked = self._highlighted()
        if ranked is None:
            return
        if str(ranked.verdict) != "vetoed":
            self._prefer(ranked.label)
            return
        from tuner_tui.screens.overriding import OverrideScreen

        def decide(yes: bool | None) -> None:
            if yes:
                self._prefer(ranked.label)

        self.tuner.push_screen(OverrideScreen(self.advice, ranked), decide)

    def _prefer(self, label: str) -> None:
        wizard = self.wizard
        preferred = None if label == self.advice.label else label
        stale = wizard.recipe is not None and preferred != wizard.preferred
        self.tuner.change(msgspec.structs.replace(wizard, preferred=preferred, recipe_stale=stale))
        self._say_choice()

    def action_compare(self) -> None:
        """The highlighted method beside the marked one, or the advised one."""
        from tuner_tui.screens.comparing import CompareScreen

        second, ranking = self._highlighted(), self.query_one(Ranking)
        if second is not None and len(self.advice.ranking) > 1:
            wanted = ranking.marked or self.advice.label
            first = next((each for each in self.advice.ranking if each.label == wanted), self.advice.ranking[0])
            if first.label == second.label:
                second = next(each for each in self.advice.ranking if each.label != first.label)
            self.tuner.push_screen(CompareScreen(self.advice, first, second))

    def action_what_if(self) -> None:
        """Try other facts; taken as answers only when the person says so."""
        from tuner_tui.screens.whatif import WhatIfScreen

        def take(facts: Facts | None) -> None:
            if facts is not None and facts != self.wizard.facts:
                self.tuner.change(with_facts(self.wizard, facts))

        if self.advice is not None:
            self.tuner.push_screen(WhatIfScreen(self.wizard.facts), take)
