"""Home: what to do next, the way in nine steps, and the runs with their true states; slow things fill in afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rich.cells import cell_len, set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tuner_tui.keys import STEPS, bindings
from tuner_tui.safe import clean
from tuner_tui.screens.step import done_steps
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.machine import one_line
from tuner_tui.widgets.speaks import Plain, Say

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

SHOWN_RUNS = 12


class Menu(OptionList):
    """One list of home; Up and Down lead from one into the next, as if they were one list."""

    BINDINGS = bindings("menu")
    DEFAULT_CSS = """
    Menu { text-wrap: nowrap; text-overflow: ellipsis; }
    Menu:blur > .option-list--option-highlighted { background: transparent; color: $foreground; text-style: none; }
    """
    help_key = "home"

    def on_focus(self) -> None:
        """The cursor is seen where the keys go."""
        if self.highlighted is None:
            self.action_first()

    def action_cursor_down(self) -> None:
        """Past the last row stands the next list."""
        if self.highlighted == self.option_count - 1:
            self._enter(1)
        else:
            super().action_cursor_down()

    def action_cursor_up(self) -> None:
        """Before the first row stands the list above."""
        if self.highlighted == 0:
            self._enter(-1)
        else:
            super().action_cursor_up()

    def _enter(self, step: int) -> None:
        lists = [menu for menu in self.screen.query(Menu) if menu.display]
        other = lists[(lists.index(self) + step) % len(lists)]
        other.highlighted = 0 if step > 0 else other.option_count - 1
        other.focus()


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
        """Name, machine, actions, steps, runs."""
        self._runs: list[tuple[str, str, str]] | None = None
        with Vertical(id="home"):
            yield Plain("t u n e r", id="brand")
            yield Say("home.question", id="motto")
            yield Plain(id="machine", classes="muted")
            yield Menu(id="menu", markup=False)
            yield Say("home.way", id="way-title")
            yield Menu(id="way", markup=False)
            yield Say("home.runs", id="runs-title")
            yield Menu(id="runs", markup=False)
            yield Say("home.no_runs", id="no-runs")
        yield KeyBar()
        yield Say("app.too_small", id="too-small")

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
        wide = self._wide(names)
        menu.set_options([Option(self._entry(name, wide), id=name) for name in names])
        menu.highlighted = min(at, len(names) - 1)
        self._show_way(wide)
        self._show_machine()
        self._show_runs()
        self.query_one("#motto", Say).tell("home.question")
        self.title = say("home.question")

    def _entry(self, name: str, wide: int) -> Content:
        say = self.tuner.say
        hint = say(f"home.{name}.hint", step=say(f"step.{self.tuner.wizard.step}"))
        return Content.assemble((f" {set_cell_size(say(f'home.{name}'), wide)}", "bold"), (hint, "$text-muted"))

    def _wide(self, names: list[str]) -> int:
        """Cells before the descriptions, the same in both lists."""
        say = self.tuner.say
        steps = [f"  {number} {say(f'step.{step}')}" for number, step in enumerate(STEPS, 1)]
        return max(map(cell_len, [*(say(f"home.{name}") for name in names), *steps])) + 3

    def _show_way(self, wide: int) -> None:
        say, done = self.tuner.say, done_steps(self.tuner.wizard)
        sign = "+" if self.tuner.settings.ascii else "✓"
        lines = []
        for number, step in enumerate(STEPS, 1):
            mark, style = (sign, "$success") if step in done else (" ", "")
            name = set_cell_size(f"{mark} {number} {say(f'step.{step}')}", wide)
            lines.append(
                Option(Content.assemble((f" {name}", style), (say(f"home.way.{step}"), "$text-muted")), id=step)
            )
        way = self.query_one("#way", Menu)
        at = way.highlighted
        way.set_options(lines)
        way.highlighted = at

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
        self.set_class(bool(runs), "-runs")
        listed.display = bool(runs)
        self.query_one("#no-runs").display = not runs
        at = listed.highlighted
        listed.set_options([Option(self._run_line(*run), id=run[0]) for run in runs])
        listed.highlighted = at if at is not None and at < len(runs) else None

    def _run_line(self, run_id: str, label: str, state: str) -> Content:
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

    @on(OptionList.OptionSelected, "#way")
    def _jumped(self, event: OptionList.OptionSelected) -> None:
        if event.option_id:
            self.tuner.open_step(event.option_id)

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
