"""Step 8 claims only what the report checked: before and after by score and question by question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.runs.answers import Answered, Tally, answers_of, tally
from tuner_tui.runs.outcome import Outcome, outcome_of, tell
from tuner_tui.runs.progress import duration
from tuner_tui.screens.standings import Standing, standings
from tuner_tui.screens.step import StepScreen
from tuner_tui.state import Wizard
from tuner_tui.widgets.answer_list import AnswerList, Questions
from tuner_tui.widgets.hanging import Hanging
from tuner_tui.widgets.labels import cut_to
from tuner_tui.widgets.report_text import checks, facts
from tuner_tui.widgets.score_panel import ScorePanel, part, track
from tuner_tui.widgets.speaks import Plain
from tuner_tui.words import words

AGAIN_S = 1.0
WIDE, TALL = 108, 32
COLUMNS = (26, 9, 9, 17, 9)
TRACK = 24


class ResultsScreen(StepScreen):
    """Verdict; scores, checks and facts; every question with its answers, or other runs on the same questions."""

    STEP = "results"
    OF_A_RUN = True
    CSS_PATH = "results.tcss"
    BINDINGS = bindings("results")

    class Reported(Message):
        """What can be said of a run now; `lines` in words, or why it cannot be read."""

        def __init__(
            self, run_id: str, outcome: Outcome | None, lines: list[str], answered: Sequence[Answered] = ()
        ) -> None:
            self.run_id, self.outcome, self.lines, self.answered = run_id, outcome, lines, answered
            super().__init__()

    class Compared(Message):
        """The runs on the same questions."""

        def __init__(self, run_id: str, found: list[Standing]) -> None:
            self.run_id, self.found = run_id, found
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._standings: list[Standing] | None = None
        self._outcome: Outcome | None = None
        self._lines: list[str] = []
        self._answered: Sequence[Answered] = ()
        self._tally: Tally | None = None
        self._run_id: str | None = None

    def compose_content(self) -> ComposeResult:
        """Top: verdict; middle: scores and facts; bottom: questions."""
        yield Plain(id="verdict")
        with Horizontal(id="figures"):
            yield ScorePanel(id="scores")
            with Vertical(id="claimed"):
                yield Plain(id="facts", classes="panel")
                yield Hanging(id="checks")
        with VerticalScroll(id="others", classes="panel"):
            yield Plain(id="standings")
        yield AnswerList(id="answers")

    def on_mount(self) -> None:
        """Look again while the run is not over."""
        super().on_mount()
        self.query_one(ScorePanel).ascii_only = self.tuner.settings.ascii
        self.set_interval(AGAIN_S, self._again)

    def load(self, wizard: Wizard) -> None:
        """Read the report of the run of these answers."""
        if wizard.run_id != self._run_id:
            self._run_id, self._outcome, self._lines = wizard.run_id, None, []
            self._standings, self._answered, self._tally = None, (), None
        self._draw()
        self._again(True)

    def _again(self, anyhow: bool = False) -> None:
        waiting = self._outcome is None or not self._outcome.state.ended
        if self._run_id is not None and self.is_seen and (anyhow or waiting):
            self._read(self._run_id, self.tuner.lang)

    @work(thread=True, exclusive=True, group="report", exit_on_error=False)
    def _read(self, run_id: str, lang: str) -> None:
        outcome, lines, answered = None, [], []
        try:
            run = self.tuner.outside.find_run(run_id)
            outcome = outcome_of(run)
            lines = tell(run, outcome, words(lang))
            if outcome.report:
                answered = answers_of(run) or sampled(outcome.report)
        except InputError as error:
            lines = [error.text(lang)]
        except (Unavailable, OSError) as error:
            lines = [str(error)]
        if not get_current_worker().is_cancelled:
            self.post_message(self.Reported(run_id, outcome, lines, answered))

    @on(Reported)
    def _reported(self, event: Reported) -> None:
        fresh = (event.outcome, event.lines, event.answered)
        if event.run_id == self._run_id and fresh != (self._outcome, self._lines, self._answered):
            self._outcome, self._lines, self._answered = fresh
            self._tally = tally(self._answered, self._lower_is_better)
            self._draw()
            self.refresh_bindings()

    @work(thread=True, exclusive=True, group="others", exit_on_error=False)
    def _compare(self, run_id: str) -> None:
        outside = self.tuner.outside
        try:
            found = standings(outside.find_run(run_id), outside.list_runs())
        except (InputError, Unavailable, OSError):
            found = []
        if not get_current_worker().is_cancelled:
            self.post_message(self.Compared(run_id, found))

    @on(Compared)
    def _compared(self, event: Compared) -> None:
        if event.run_id == self._run_id and self._standings is not None:
            self._standings = event.found
            self._draw()

    def action_others(self) -> None:
        """Runs on the same questions in place of the answers, and back."""
        self._standings = [] if self._standings is None else None
        if self._standings is not None and self._run_id is not None:
            self._compare(self._run_id)
        self._draw()
        self.refresh_bindings()

    def _table(self) -> Content:
        rows = self._standings or []
        if not rows:
            return Content.styled(self.say("results.reading"), "$text-muted")
        wide = self.size.width >= WIDE
        heads = [self.say(f"results.{name}") for name in ("method", "before", "after", "interval", "seconds")]
        most = max([1.0, *(row.after if row.high is None else row.high for row in rows)])
        parts: list[tuple[str, str]] = [(_cells(heads), "$text-muted")]
        for row in rows:
            span = f"{row.low:.3f} - {row.high:.3f}" if row.low is not None and row.high is not None else ""
            took = duration(row.seconds) if row.seconds is not None else ""
            cells = [row.label, f"{row.before:.3f}", f"{row.after:.3f}", span, took]
            ascii_only = self.tuner.settings.ascii
            drawn = track(row.after / most, row.low and row.low / most, row.high and row.high / most, TRACK, ascii_only)
            here = row.id == self._run_id
            style = "bold $primary" if here else "" if row.success else "$text-muted"
            parts.append((f"\n{_cells(cells)}" + (f"{drawn}  {row.id}" if wide else ""), style))
        return Content.assemble(*parts, (f"\n\n{self.say('results.same_questions')}", "$text-muted"))

    # -- drawing -----------------------------------------------------------------------------------------------

    @property
    def _report(self) -> dict[str, Any]:
        return (self._outcome.report if self._outcome else None) or {}

    @property
    def _lower_is_better(self) -> bool:
        return part(self._report, "after").get("metric") == "loss"

    def on_resize(self) -> None:
        """Other room, other rows."""
        if self.is_mounted:
            self._draw()

    def _draw(self) -> None:
        report, comparing = self._report, self._standings is not None
        for name, shown in (("#figures", True), ("#answers", not comparing), ("#others", comparing)):
            self.query_one(name).display = bool(report) and shown
        if comparing:
            self.query_one("#others").border_title = Content(self.say("results.others"))
            self.query_one("#standings", Plain).show(self._table())
        self._draw_verdict()
        if report:
            lang, tall = self.tuner.lang, self.size.height >= TALL
            self.query_one(ScorePanel).show(report, self._tally)
            self.query_one("#checks", Hanging).show(checks(report, lang) if tall else [])
            figures = self.query_one("#facts", Plain)
            figures.border_title = Content(self.say("results.facts"))
            figures.show(facts(report, lang, brief=not tall))
            self.query_one(AnswerList).show(self._answered, self._lower_is_better)

    def _draw_verdict(self) -> None:
        verdict = self.query_one("#verdict", Plain)
        if self._run_id is None:
            verdict.set_classes("muted")
            verdict.show(self.say("results.none"))
        elif self._report:
            good = self._outcome is not None and self._outcome.success
            verdict.set_classes("good strong" if good else "bad strong")
            said = [self.say("results.success" if good else "results.no_success")]
            failed = [] if self.size.height >= TALL else checks(self._report, self.tuner.lang, failed_only=True)
            verdict.show("\n".join([*said, *(label.plain + text.plain for label, text in failed)]))
        else:
            verdict.set_classes("")
            verdict.show("\n".join(self._lines) or self.say("results.reading"))

    # -- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Another answer only when there is one and it is shown."""
        if action in ("sample_next", "only"):
            shown = self.query(AnswerList).first() if self.query(AnswerList) and self._standings is None else None
            return shown is not None and (shown.count > 1 if action == "sample_next" else shown.scored)
        if action in ("others", "bakeoff"):
            return bool(self._report)
        return super().check_action(action, parameters)

    def action_bakeoff(self) -> None:
        """Every method on the same held-out questions, now."""
        from tuner_tui.screens.bakeoff import BakeoffScreen

        if self._run_id is not None:
            self.app.push_screen(BakeoffScreen(self._run_id))

    def help_terms(self) -> list[str]:
        """What the figures are."""
        return ["interval"]

    def action_sample_next(self) -> None:
        """The next held-out question."""
        self.query_one(AnswerList).turn()

    def action_only(self) -> None:
        """One kind of question after the other."""
        self.query_one(AnswerList).turn_filter()
        self.query_one(Questions).focus()
        self.refresh_bindings()


def sampled(report: dict[str, Any]) -> list[Answered]:
    """The few answers that a report holds itself, for runs that kept no others."""
    found = report.get("samples")
    kept = [sample for sample in found if isinstance(sample, dict)] if isinstance(found, list) else []
    texts = [{key: value for key, value in sample.items() if isinstance(value, str)} for sample in kept]
    return [msgspec.convert(each, Answered) for each in texts]


def _cells(texts: list[str]) -> str:
    """One row, each column cut or filled to its cells."""
    return "".join(cut_to(text, wide - 1) + " " for text, wide in zip(texts, COLUMNS, strict=True))
