"""Step 8 claims only what the report checked: before and after side by side, and what failed when something did."""

from __future__ import annotations

from typing import Any

from rich.cells import set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.runs.outcome import Outcome, outcome_of, tell
from tuner_tui.runs.progress import duration
from tuner_tui.safe import clean
from tuner_tui.screens.standings import Standing, standings
from tuner_tui.screens.step import StepScreen
from tuner_tui.state import Wizard
from tuner_tui.widgets.hanging import Hanging, Row
from tuner_tui.widgets.labels import spoken
from tuner_tui.widgets.score_panel import ScorePanel, number, part
from tuner_tui.widgets.speaks import Plain
from tuner_tui.words import words

AGAIN_S = 1.0
WIDE = 108
COLUMNS = (26, 9, 9, 17, 9)
GIB = 1 << 30


class ResultsScreen(StepScreen):
    """Verdict, scores, checks, facts, answers."""

    STEP = "results"
    CSS_PATH = "results.tcss"
    BINDINGS = bindings("results")

    class Reported(Message):
        """What can be said of a run now; `lines` in words, or why it cannot be read."""

        def __init__(self, run_id: str, outcome: Outcome | None, lines: list[str]) -> None:
            self.run_id, self.outcome, self.lines = run_id, outcome, lines
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
        self._sample = 0
        self._run_id: str | None = None

    def compose_content(self) -> ComposeResult:
        """Top: verdict; middle: scores and facts; bottom: answers."""
        yield Plain(id="verdict")
        with Horizontal(id="figures"):
            with Vertical(id="scored"):
                yield ScorePanel(id="scores")
                yield Hanging(id="checks")
            yield Plain(id="facts", classes="panel")
        with VerticalScroll(id="others", classes="panel"):
            yield Plain(id="standings")
        with Vertical(id="answers"):
            yield Plain(id="question")
            with Horizontal(id="sides"):
                for name in ("before", "after", "wanted"):
                    with VerticalScroll(id=f"side-{name}", classes="panel side"):
                        yield Plain(id=name)

    def on_mount(self) -> None:
        """Look again while the run is not over."""
        super().on_mount()
        self.query_one(ScorePanel).ascii_only = self.tuner.settings.ascii
        self.set_interval(AGAIN_S, self._again)

    def load(self, wizard: Wizard) -> None:
        """Read the report of the run of these answers."""
        if wizard.run_id != self._run_id:
            self._run_id, self._outcome, self._lines, self._sample = wizard.run_id, None, [], 0
            self._standings = None
        self._draw()
        self._again(True)

    def _again(self, anyhow: bool = False) -> None:
        waiting = self._outcome is None or not self._outcome.state.ended
        if self._run_id is not None and self.is_seen and (anyhow or waiting):
            self._read(self._run_id, self.tuner.lang)

    @work(thread=True, exclusive=True, group="report", exit_on_error=False)
    def _read(self, run_id: str, lang: str) -> None:
        outcome, lines = None, []
        try:
            run = self.tuner.outside.find_run(run_id)
            outcome = outcome_of(run)
            lines = tell(run, outcome, words(lang))
        except InputError as error:
            lines = [error.text(lang)]
        except (Unavailable, OSError) as error:
            lines = [str(error)]
        if not get_current_worker().is_cancelled:
            self.post_message(self.Reported(run_id, outcome, lines))

    @on(Reported)
    def _reported(self, event: Reported) -> None:
        if event.run_id == self._run_id and (event.outcome, event.lines) != (self._outcome, self._lines):
            self._outcome, self._lines = event.outcome, event.lines
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

    def _table(self) -> Content:
        rows = self._standings or []
        if not rows:
            return Content.styled(self.say("results.reading"), "$text-muted")
        heads = [self.say(f"results.{name}") for name in ("method", "before", "after", "interval", "seconds")]
        parts: list[tuple[str, str]] = [(_cells(heads), "$text-muted")]
        for row in rows:
            span = f"{row.low:.3f} - {row.high:.3f}" if row.low is not None and row.high is not None else ""
            took = duration(row.seconds) if row.seconds is not None else ""
            cells = [row.label, f"{row.before:.3f}", f"{row.after:.3f}", span, took]
            here = row.id == self._run_id
            style = "bold $primary" if here else "" if row.success else "$text-muted"
            parts.append((f"\n{_cells(cells)}{row.id if self.size.width >= WIDE else ''}", style))
        return Content.assemble(*parts, (f"\n\n{self.say('results.same_questions')}", "$text-muted"))

    # -- drawing -----------------------------------------------------------------------------------------------

    @property
    def _report(self) -> dict[str, Any]:
        return (self._outcome.report if self._outcome else None) or {}

    def _draw(self) -> None:
        report = self._report
        comparing = self._standings is not None
        for name, shown in (("#figures", True), ("#answers", not comparing), ("#others", comparing)):
            self.query_one(name).display = bool(report) and shown
        if comparing:
            self.query_one("#others").border_title = Content(self.say("results.others"))
            self.query_one("#standings", Plain).show(self._table())
        self._draw_verdict()
        if report:
            self.query_one(ScorePanel).show(report)
            self.query_one("#checks", Hanging).show(self._checks(report))
            facts = self.query_one("#facts", Plain)
            facts.border_title = Content(self.say("results.facts"))
            facts.show(self._facts(report))
            self._draw_sample()

    def _draw_verdict(self) -> None:
        verdict = self.query_one("#verdict", Plain)
        if self._run_id is None:
            verdict.set_classes("muted")
            verdict.show(self.say("results.none"))
        elif self._report:
            good = self._outcome is not None and self._outcome.success
            verdict.set_classes("good strong" if good else "bad strong")
            verdict.show(self.say("results.success" if good else "results.no_success"))
        else:
            verdict.set_classes("")
            verdict.show("\n".join(self._lines) or self.say("results.reading"))

    def _checks(self, report: dict[str, Any]) -> list[Row]:
        found = report.get("checks")
        checks = [check for check in found if isinstance(check, dict)] if isinstance(found, list) else []
        rows = []
        for check in checks:
            passed = check.get("passed") is True
            word = self.say("results.passed" if passed else "results.failed")
            label = Content.styled(f"{word}  ", "$success" if passed else "bold $error")
            rows.append((label, Content(self._check(check))))
        return rows

    def _check(self, check: dict[str, Any]) -> str:
        """Our words where we know the check, so that they follow the language; else the report's own."""
        passed, name = check.get("passed") is True, str(check.get("id"))
        values = {key: number(value) for key, value in part(check, "value").items()}
        key = f"training.check.{name}_{'yes' if passed else 'no'}"
        if name == "score":
            ceiling = (values.get("before") or 0) >= 1 and part(self._report, "after").get("metric") != "loss"
            key = "training.check." + ("rose" if passed else "ceiling" if ceiling else "did_not_rise")
        metric = clean(part(self._report, "after").get("metric") or "?", 40)
        counts = {
            key: int(value) if value == int(value) and name != "score" else value
            for key, value in values.items()
            if value is not None
        }
        try:
            told = words(self.tuner.lang)
            return told.say(key, metric=told.metric(metric), **counts)
        except (KeyError, ValueError):
            return clean(check.get("text") or name, 300)

    def _facts(self, report: dict[str, Any]) -> Content:
        peak, origins = part(report, "peak"), part(report, "numbers")
        held = number(peak.get("bytes"))
        seconds, tokens, steps = (number(report.get(name)) for name in ("seconds", "tokens", "steps"))
        rows = [
            ("steps", None if steps is None else f"{steps:,.0f}"),
            ("seconds", None if seconds is None else duration(seconds)),
            ("tokens", None if tokens is None else f"{tokens:,.0f}"),
            ("peak", None if held is None else f"{held / GIB:.2f} GiB"),
        ]
        parts: list[tuple[str, str]] = [(spoken(clean(report.get("label", "?"), 60), self.say) + "\n", "bold")]
        for name, value in rows:
            origin = origins.get(name, "assumed")
            said = self.say(f"origin.{origin}") if origin in ("measured", "computed", "assumed") else "?"
            shown = f"{value} ({said})" if value is not None else self.say("results.unknown")
            parts += [(f"{self.say(f'results.{name}')} ", "$text-muted"), (f"{shown}\n", "")]
        source = f"memory.by_{peak.get('source')}"
        if words(self.tuner.lang).has(source):
            parts.append((self.say("results.peak_by", source=self.say(source)), "$text-muted"))
        return Content.assemble(*parts)

    def _samples(self) -> list[dict[str, Any]]:
        found = self._report.get("samples")
        return [sample for sample in found if isinstance(sample, dict)] if isinstance(found, list) else []

    def _draw_sample(self) -> None:
        samples = self._samples()
        self.query_one("#sides").display = bool(samples)
        if not samples:
            self.query_one("#question", Plain).show(self.say("results.no_samples"))
            return
        self._sample %= len(samples)
        sample = samples[self._sample]
        place = self.say("results.sample", number=self._sample + 1, count=len(samples))
        prompt = clean(sample.get("prompt", ""), 2000, lines=True)
        self.query_one("#question", Plain).show(Content.assemble((f"{place}  ", "$text-muted"), (prompt, "bold")))
        for name, key, style in (
            ("before", "before", ""),
            ("after", "after", "$primary"),
            ("wanted", "reference", "$success"),
        ):
            text = clean(sample.get(key) or "", 4000, lines=True)
            self.query_one(f"#side-{name}").border_title = Content(self.say(f"results.{name}"))
            shown = (
                Content.styled(text, style)
                if text.strip()
                else Content.styled(self.say("samples.empty"), "$text-muted")
            )
            self.query_one(f"#{name}", Plain).show(shown)

    # -- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Another answer only when there is one."""
        if action == "sample_next":
            return len(self._samples()) > 1
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
        self._sample += 1
        self._draw_sample()


def _cells(texts: list[str]) -> str:
    """One row, each column cut or filled to its cells."""
    return "".join(set_cell_size(text, wide) for text, wide in zip(texts, COLUMNS, strict=True))
