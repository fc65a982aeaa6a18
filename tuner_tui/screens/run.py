"""Step 7 shows a run as it is: read from its directory only, drawn in batches, and honest when the process dies."""

from __future__ import annotations

import time

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tuner_tui.keys import bindings
from tuner_tui.replaying import Replay
from tuner_tui.runs.state import RunState
from tuner_tui.runs.stop import Rung
from tuner_tui.screens.runlist import Chosen, RunsScreen
from tuner_tui.screens.step import Go
from tuner_tui.screens.watching_screen import WatchingScreen
from tuner_tui.state import Wizard
from tuner_tui.watching import Look
from tuner_tui.widgets import plot
from tuner_tui.widgets.chart import Chart, Curve
from tuner_tui.widgets.coach_line import CoachLine
from tuner_tui.widgets.log_panel import LogPanel
from tuner_tui.widgets.memory_panel import MemoryPanel
from tuner_tui.widgets.run_head import RunHead
from tuner_tui.widgets.samples_panel import SamplesPanel
from tuner_tui.widgets.speaks import Plain, Say

CHARTS_S, UNMOVED_S = 0.5, 2.0
DOT = 400
"""Steps that are a smaller part of the run than this move no dot of a chart: they wait for UNMOVED_S."""
WIDE = 108
TELLING = ("rewards_margin", "rewards_accuracy", "reward", "kl", "reward_std", "rewards_chosen", "rewards_rejected")
PANELS = ("loss", "memory", "rate", "log", "samples", "curve")


class RunScreen(WatchingScreen):
    """Head, loss, memory, and one or two panels in turn below."""

    STEP = "run"
    GO = "go.results"
    OF_A_RUN = True
    CSS_PATH = "run.tcss"
    BINDINGS = bindings("run")
    ALLOW_IN_MAXIMIZED_VIEW = "KeyBar"

    def __init__(self) -> None:
        super().__init__()
        self._pane = "samples"
        self._drawn_at, self._drawn_step = 0.0, 0
        self._over: dict[str, tuple[plot.Point, ...]] = {}

    def compose_content(self) -> ComposeResult:
        """Panels; which of them show depends on the room."""
        yield RunHead(id="head")
        yield Say("run.none", id="none", classes="muted")
        with Horizontal(id="run-top"):
            yield Chart("chart.loss", "chart.loss.empty", id="loss", help_key="loss")
            with Vertical(id="run-side"):
                yield MemoryPanel(id="memory")
                yield Chart("chart.rate", "chart.empty", id="rate", help_key="rate")
        yield Plain(id="ending")
        yield CoachLine(id="coach")
        with Horizontal(id="run-bottom"):
            yield LogPanel(id="log")
            yield SamplesPanel(id="samples")
            yield Chart("chart.gradient", "chart.empty", id="curve", help_key="curve")
        yield Input(id="find")

    def on_mount(self) -> None:
        """Draw charts at their own pace."""
        super().on_mount()
        self.query_one("#find").display = False
        self.set_interval(CHARTS_S, self._draw_charts)

    def load(self, wizard: Wizard) -> None:
        """Attach to the run of these answers."""
        there = wizard.run_id is not None
        self.query_one("#none").display = not there
        for name in ("#head", "#run-top", "#run-bottom"):
            self.query_one(name).display = there
        for panel in (*self.query(Chart), self.query_one(RunHead), self.query_one(MemoryPanel)):
            panel.ascii_only = self.tuner.settings.ascii
        self._show_panes()
        self.attend(wizard.run_id)

    def turned(self) -> None:
        """Another run, or the same from its start: what was drawn is history."""
        self.query_one(LogPanel).empty()
        self.query_one(SamplesPanel).show(())
        self.query_one("#ending").display = False
        self.heard()
        for chart in self.query(Chart):
            chart.show(())

    # -- looking -----------------------------------------------------------------------------------------------

    def looked(self, before: Look | None, look: Look) -> None:
        """Draw what a look found."""
        log = self.query_one(LogPanel)
        if look.anew:
            log.empty()
        log.add(look.entries)
        self.query_one(RunHead).show(look.view, look.state.value, look.eta, self._stopping(look))
        self.query_one(MemoryPanel).show(look.view.gpus, look.predicted)
        self.query_one(SamplesPanel).show(look.view.samples)
        self._show_ending(look)
        if before is None or before.state is not look.state:
            self._state_changed(look)
        self.set_class(not look.view.losses, "-no-losses")

    def heard(self) -> None:
        """The coach's newest finding."""
        self.query_one(CoachLine).show(self._findings[-1] if self._findings else None, len(self._findings))
        self.refresh_bindings()

    def _stopping(self, look: Look) -> tuple[str, str] | None:
        if isinstance(self._watching, Replay) and not self._watching.over:
            return self.say("run.replaying", speed=f"{self._watching.speed:.0f}"), "bold $accent"
        standing = look.standing
        if standing is None or standing.rung is Rung.GONE:
            return None
        key = f"run.stopping.{standing.rung}"
        return self.say(key, left=round(standing.left_s)), "bold $warning"

    def _state_changed(self, look: Look) -> None:
        self._draw_charts(True)
        self.refresh_bindings()
        if look.state.ended:
            self.notice("")
        else:
            self.tell("run.detached_hint")

    def _show_ending(self, look: Look) -> None:
        ending = self.query_one("#ending", Plain)
        ending.display = bool(look.ending)
        if look.ending:
            good = look.success
            ending.set_classes("good-end" if good else "odd-end" if look.state is RunState.STOPPED else "bad-end")
            ending.show("\n".join(look.ending))

    # -- panels ------------------------------------------------------------------------------------------------

    def _draw_charts(self, at_once: bool = False) -> None:
        if self._now is None or not self.is_seen:
            return
        now = time.monotonic()
        view = self._now.view
        moved = (view.step - self._drawn_step) * DOT >= view.step
        if not at_once and now - self._drawn_at < (CHARTS_S / 2 if moved else UNMOVED_S):
            return
        self._drawn_at, self._drawn_step = now, view.step
        loss = self.query_one("#loss", Chart)
        loss.show(
            (
                *(Curve(run_id[-18:], points, "$secondary", late=True) for run_id, points in self._over.items()),
                Curve("curve.loss", view.losses, "$curve-faint", listed=False),
                Curve("curve.smooth", plot.smooth(view.losses), "$curve-1"),
                Curve("curve.eval_loss", view.eval_losses, "$curve-2"),
            )
            if view.losses or view.eval_losses
            else ()
        )
        rate = (Curve("curve.rate", view.learning_rates, "$curve-1"),) if view.learning_rates else ()
        self.query_one("#rate", Chart).show(rate)
        self._draw_curve()

    def _draw_curve(self) -> None:
        chart = self.query_one("#curve", Chart)
        if self._now is None or not chart.display:
            return
        view = self._now.view
        known = {"rate": view.learning_rates, "gradient": view.grad_norms}
        points = known.get(self._pane) or view.extras.get(self._pane) or ()
        chart.name_title(f"chart.{self._pane}" if self._pane in known else self._pane)
        name = f"curve.{self._pane}" if self._pane in known else self._pane
        chart.show((Curve(name, points, "$curve-1"),) if points else ())

    def _panes(self) -> list[str]:
        extras = sorted(self._now.view.extras, key=_telling) if self._now else []
        method, others = [name for name in extras if name in TELLING], [name for name in extras if name not in TELLING]
        return [
            "samples",
            *([] if self._wide else ["log"]),
            *method,
            *(["rate"] if not self._tall_and_wide else []),
            "gradient",
            *others,
        ]

    @property
    def _wide(self) -> bool:
        return self.size.width >= WIDE

    @property
    def _tall_and_wide(self) -> bool:
        return self._wide and self.size.height >= 32

    def _show_panes(self) -> None:
        if self._pane not in self._panes():
            self._pane = "samples"
        self.query_one("#log").display = self._wide or self._pane == "log"
        self.query_one("#samples").display = self._pane == "samples"
        self.query_one("#curve").display = self._pane not in ("samples", "log")
        self.query_one("#rate").display = self._tall_and_wide
        self._draw_curve()

    def on_resize(self) -> None:
        """Other room, other panels."""
        if self.is_mounted:
            self._show_panes()
            if self.maximized is not None and not self.maximized.display:
                self.minimize()

    # -- keys --------------------------------------------------------------------------------------------------

    def action_pane(self) -> None:
        """The next panel below; while one is alone on the screen, the next one alone."""
        if self.maximized is not None:
            return self._zoom_next()
        self._pane = _after(self._pane, self._panes())
        return self._show_panes()

    def _zoom_next(self) -> None:
        fixed = ["loss", "memory", *(["rate"] if self._tall_and_wide else []), *(["log"] if self._wide else [])]
        shown = self.maximized.id if self.maximized is not None else None
        self._zoom(_after(shown if shown in fixed else self._pane, [*fixed, *self._panes()]))

    def _zoom(self, name: str) -> None:
        if name in self._panes():
            self._pane = name
            self._show_panes()
            name = name if name in ("samples", "log") else "curve"
        self.maximize(self.query_one(f"#{name}"))

    def action_scale(self) -> None:
        """Linear or logarithmic loss."""
        loss = self.query_one("#loss", Chart)
        loss.log_scale = not loss.log_scale

    def action_zoom(self) -> None:
        """The focused panel alone, and back."""
        if self.maximized is not None:
            self.minimize()
        else:
            self.maximize(self.focused if self.focused and self.focused.id in PANELS else self.query_one("#loss"))

    def action_find(self) -> None:
        """Search the log."""
        self.minimize()
        find = self.query_one("#find", Input)
        find.placeholder = self.say("log.find")
        find.display = True
        find.focus()
        if not self._wide:
            self._pane = "log"
            self._show_panes()

    @on(Input.Changed, "#find")
    def _finding(self, event: Input.Changed) -> None:
        self.query_one(LogPanel).search(event.value.strip())

    @on(Input.Submitted, "#find")
    def _found(self) -> None:
        self.query_one("#find").display = False
        self.query_one(LogPanel).focus()

    def action_back(self) -> None:
        """Out of a search, out of a zoom, to the step before."""
        find = self.query_one("#find", Input)
        if find.display:
            find.value, find.display = "", False
            self.query_one(Go).focus()
        elif self.maximized is not None:
            self.minimize()
        else:
            super().action_back()

    def action_runlist(self) -> None:
        """All runs: attach to another, or lay its loss over this chart."""
        self.app.push_screen(RunsScreen(self._run_id, tuple(self._over)), self._chosen)

    def _chosen(self, chosen: Chosen | None) -> None:
        if chosen is None:
            return
        self._over = {run_id: points for run_id, points in self._over.items() if run_id in chosen.over}
        for run_id in chosen.over:
            if run_id not in self._over:
                self.lay_over(run_id)
        self._draw_charts(True)
        if chosen.attach is not None and chosen.attach != self._run_id:
            self._over.pop(chosen.attach, None)
            self.tuner.open_run(chosen.attach)

    @on(WatchingScreen.LaidOver)
    def _laid_over(self, event: WatchingScreen.LaidOver) -> None:
        self._over[event.run_id] = event.points
        self._draw_charts(True)

    def action_advance(self) -> None:
        """To the results, once there are any."""
        if self._now is not None and not self._now.state.ended:
            self.tell("run.not_over", "warn")
        else:
            super().action_advance()


def _telling(name: str) -> tuple[int, str]:
    """What says most about a method comes first, the rest by name."""
    return (TELLING.index(name) if name in TELLING else len(TELLING), name)


def _after(name: str, names: list[str]) -> str:
    """The one that follows, round and round; the first after one that is not there."""
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0]
