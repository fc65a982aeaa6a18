"""Held-out questions with what became of each, and the one in hand with all its answers; foreign text throughout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tuner_tui.runs.answers import Answered, Change
from tuner_tui.safe import clean
from tuner_tui.widgets.hanging import Hanging, Row
from tuner_tui.widgets.labels import cut_to
from tuner_tui.widgets.speaks import Speaks

SIGNS = {
    Change.BETTER: ("+", "bold $success"),
    Change.WORSE: ("-", "bold $error"),
    Change.SAME: ("=", "$text-muted"),
    Change.UNKNOWN: (" ", ""),
}
ONLY = (None, Change.BETTER, Change.WORSE, Change.SAME)
TEXT = 4000
NUMBER = 5
SCROLLBAR = 2


class Questions(OptionList):
    """One row a question."""

    help_key = "questions"


class AnswerList(Horizontal, Speaks):
    """Questions at the left, a filter over them; at the right the highlighted one: before, after, wanted."""

    DEFAULT_CSS = """
    AnswerList Questions { width: 2fr; height: 1fr; }
    AnswerList VerticalScroll { width: 3fr; height: 1fr; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._answered: Sequence[Answered] = ()
        self._lower_is_better = False
        self._only: Change | None = None
        self._shown: list[int] = []

    def compose(self) -> ComposeResult:
        """List and detail."""
        yield Questions(id="questions", classes="panel", markup=False)
        with VerticalScroll(id="answer", classes="panel"):
            yield Hanging(id="said")

    def on_mount(self) -> None:
        """Titles need the language."""
        self.retranslate()

    def on_resize(self) -> None:
        """Rows are as wide as the list."""
        self.call_after_refresh(self.retranslate)

    @property
    def count(self) -> int:
        """How many questions the filter leaves."""
        return len(self._shown)

    @property
    def scored(self) -> bool:
        """Whether there is anything to filter by."""
        return any(self._change(each) is not Change.UNKNOWN for each in self._answered)

    def show(self, answered: Sequence[Answered], lower_is_better: bool) -> None:
        """Draw these; nothing is redrawn when they are the same."""
        if (answered, lower_is_better) != (self._answered, self._lower_is_better):
            self._answered, self._lower_is_better, self._only = answered, lower_is_better, None
            self.retranslate()

    def turn_filter(self) -> None:
        """All, those that got better, worse, neither; kinds that no question has are passed over."""
        here = {None, *map(self._change, self._answered)}
        order = [kind for kind in ONLY if kind in here]
        self._only = order[(order.index(self._only) + 1) % len(order)]
        self.retranslate()

    def turn(self) -> None:
        """The next question, round and round."""
        questions = self.query_one(Questions)
        if self._shown:
            questions.highlighted = ((questions.highlighted or 0) + 1) % len(self._shown)

    def retranslate(self) -> None:
        """Every row in the present language, the place kept."""
        if not self.is_attached or not self.query(Questions):
            return
        questions = self.query_one(Questions)
        held = self._shown[questions.highlighted] if questions.highlighted is not None and self._shown else 0
        self._shown = [n for n, each in enumerate(self._answered) if self._only in (None, self._change(each))]
        width = max(16, questions.content_size.width - SCROLLBAR)
        questions.set_options([Option(self._line(n, width)) for n in self._shown])
        key = f"answers.only.{self._only or 'all'}"
        questions.border_title = Content(self.say(key, count=len(self._shown), all=len(self._answered)))
        if self._shown:
            questions.highlighted = self._shown.index(held) if held in self._shown else 0
        self._show_one()

    def _change(self, answered: Answered) -> Change:
        return answered.change(self._lower_is_better)

    def _line(self, place: int, width: int) -> Content:
        answered = self._answered[place]
        sign, style = SIGNS[self._change(answered)]
        prompt = clean(answered.prompt[:TEXT], 300)
        return Content.assemble(
            (f"{sign} ", style), (f"{place + 1:<{NUMBER - 1}} ", "$text-muted"), cut_to(prompt, width - 2 - NUMBER)
        )

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self._show_one()

    def _show_one(self) -> None:
        at = self.query_one(Questions).highlighted
        scroll = self.query_one("#answer", VerticalScroll)
        if at is None or at >= len(self._shown):
            scroll.border_title = None
            self.query_one("#said", Hanging).show(
                [(Content(""), Content.styled(self.say("answers.none"), "$text-muted"))]
            )
            return
        place = self._shown[at]
        scroll.border_title = Content(self.say("results.sample", number=place + 1, count=len(self._answered)))
        self.query_one("#said", Hanging).show(self._rows(self._answered[place]))
        scroll.scroll_home(animate=False)

    def _rows(self, answered: Answered) -> list[Row]:
        sign, style = SIGNS[self._change(answered)]
        shown: list[tuple[str, str, Any, float | None, str]] = [
            ("question", "bold", answered.prompt, None, ""),
            ("before", "", answered.before, answered.score_before, "$text-muted"),
            ("after", "$primary", answered.after, answered.score_after, style),
            ("wanted", "$success", answered.reference, None, ""),
        ]
        words = {name: self.say(f"results.{name}") for name, *_ in shown}
        wide = max(map(cell_len, words.values())) + 1
        scored = self._change(answered) is not Change.UNKNOWN
        rows: list[Row] = []
        for name, text_style, text, score, score_style in shown:
            mark = f"{sign} " if name == "after" else "  "
            figure = "" if not scored else f"{mark}{score:.3f}  " if score is not None else " " * 9
            head = Content.assemble((set_cell_size(words[name], wide), "$text-muted"), (figure, score_style))
            said = clean((text or "")[: TEXT * 2], TEXT, lines=True).strip()
            empty = self.say("answers.not_asked" if text is None else "samples.empty")
            body = Content.styled(said, text_style) if said else Content.styled(empty, "$text-muted")
            rows.append((head, body))
        return rows
