"""Home: what this machine is, what to do next, and the runs with their true states; slow things fill in afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tuner_tui.keys import bindings
from tuner_tui.safe import clean
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.machine import one_line
from tuner_tui.widgets.speaks import Plain, Say

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

SHOWN_RUNS = 12


class Menu(OptionList):
    """The actions of home."""

    BINDINGS = bindings("menu")
    help_key = "home"


class HomeScreen(Screen[None]):
    """The first screen."""

    BINDINGS = bindings("home")
    help_key = "home"

    class RunsListed(Message):
        """Runs with their states: (id, label, state, step, total)."""

        def __init__(self, runs: list[tuple[str, str, str]]) -> None:
            self.runs = runs
            super().__init__()

    spoken = ""

    @property
    def tuner(self) -> TunerApp:
        """The app, typed."""
        return cast("TunerApp", self.app)

    def compose(self) -> ComposeResult:
        """Name, machine, actions, runs."""
        self._runs: list[tuple[str, str, str]] | None = None
        with Vertical(id="home"):
            yield Plain("t u n e r", id="brand")
            yield Say("home.question", id="motto")
            yield Plain(id="machine", classes="muted")
            yield Menu(id="menu", markup=False)
            yield Say("home.runs", id="runs-title")
            yield Menu(id="runs", markup=False)
            yield Say("home.no_runs", id="no-runs")
        yield KeyBar()

    def on_mount(self) -> None:
        """Ask the slow questions once the screen stands."""
        self.retranslate()
        self.query_one("#menu", Menu).focus()
        self.set_interval(3.0, self._again)
        self.tuner.reading.changed.subscribe(self, self._read)
        self.call_after_refresh(self.tuner.reading.probe)

    def on_screen_resume(self) -> None:
        """Runs may have changed meanwhile."""
        self._look()
        self.retranslate()
        for widget in self.query("*"):
            retranslate = getattr(widget, "retranslate", None)
            if retranslate is not None and self.spoken != self.tuner.lang:
                retranslate()
        self.spoken = self.tuner.lang

    def retranslate(self) -> None:
        """What this screen put together itself."""
        say = self.tuner.say
        menu = self.query_one("#menu", Menu)
        at = menu.highlighted or 0
        names = ["continue", "new", "practice"] if self._has_draft() else ["practice", "new"]
        menu.set_options([Option(self._entry(name), id=name) for name in names])
        menu.highlighted = min(at, len(names) - 1)
        self._show_machine()
        self._show_runs()
        self.query_one("#motto", Say).tell("home.question")
        self.title = say("home.question")

    def _entry(self, name: str) -> Content:
        say = self.tuner.say
        place = say(f"step.{self.tuner.wizard.step}") if name == "continue" else ""
        hint = say(f"home.{name}.hint", step=place) if place else say(f"home.{name}.hint")
        return Content.assemble((f" {say(f'home.{name}')}", "bold"), (f"   {hint}", "$text-muted"))

    def _has_draft(self) -> bool:
        wizard = self.tuner.wizard
        return bool(wizard.answered or wizard.practice or wizard.facts.goals)

    # -- machine -----------------------------------------------------------------------------------------------

    def _read(self, what: str) -> None:
        if what == "machine":
            self._show_machine()

    def _show_machine(self) -> None:
        reading, say = self.tuner.reading, self.tuner.say
        waiting = say("home.no_probe" if reading.probed else "home.probing")
        self.query_one("#machine", Plain).show(one_line(reading.machine, say) if reading.machine else waiting)

    # -- runs --------------------------------------------------------------------------------------------------

    def _again(self) -> None:
        """A worker of a screen that nobody sees would make the one that is seen be drawn anew."""
        if self.is_active:
            self._look()

    @work(thread=True, exclusive=True, group="runs", exit_on_error=False)
    def _look(self) -> None:
        outside = self.tuner.outside
        try:
            found = [(run.id, _label(run), outside.state_of(run)) for run in outside.list_runs()[:SHOWN_RUNS]]
        except Exception:
            found = []
        self.post_message(self.RunsListed(found))

    def on_home_screen_runs_listed(self, event: RunsListed) -> None:
        """Draw only what changed."""
        if event.runs != self._runs:
            self._runs = event.runs
            self._show_runs()

    def _show_runs(self) -> None:
        runs = self._runs or []
        listed = self.query_one("#runs", Menu)
        listed.display = bool(runs)
        self.query_one("#no-runs").display = not runs
        at = listed.highlighted
        listed.set_options([Option(self._run_line(*run), id=run[0]) for run in runs])
        listed.highlighted = at if at is not None and at < len(runs) else None

    def _run_line(self, run_id: str, label: str, state: str) -> Content:
        from rich.cells import set_cell_size

        word = self.tuner.say(f"state.{state}")
        return Content.assemble(
            (" " + set_cell_size(word, 10), STATE_STYLES.get(state, "")),
            (set_cell_size(clean(run_id, 60), 46), ""),
            (clean(label, 40), "$text-muted"),
        )

    @on(OptionList.OptionSelected, "#menu")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option_id == "continue":
            self.tuner.open_step(self.tuner.wizard.step)
        elif event.option_id == "new":
            self.tuner.start_new()
        else:
            self.tuner.start_practice()

    @on(OptionList.OptionSelected, "#runs")
    def _picked_run(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.tuner.open_run(event.option_id)


STATE_STYLES = {
    "running": "bold $primary",
    "finished": "$success",
    "stopped": "$text-muted",
    "failed": "bold $error",
    "crashed": "bold $error",
    "stale": "bold $warning",
    "queued": "$text-muted",
}


def _label(run: Any) -> str:
    info = run.info()
    return (info.label or "") if info else ""
