"""All runs at a glance, their states true now: attach to one, or lay its loss over the chart of the one in hand."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, cast

from rich.cells import set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from tuner_tui.keys import bindings
from tuner_tui.runs.progress import duration
from tuner_tui.runs.watch import glance
from tuner_tui.safe import clean
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.plot import short
from tuner_tui.widgets.run_head import STYLES
from tuner_tui.widgets.speaks import Say

AGAIN_S = 2.0
SHOWN = 30
WIDE = 108


class Row(NamedTuple):
    """One run as the list tells it."""

    id: str
    state: str
    label: str
    step: int
    total: int | None
    loss: float | None
    eta_s: float | None


class Chosen(NamedTuple):
    """What was decided: attach to a run (None: stay), and whose losses to lay over."""

    attach: str | None
    over: tuple[str, ...]


class RunList(OptionList):
    """The runs."""

    BINDINGS: ClassVar[Any] = bindings("runs")


class RunsScreen(ModalScreen[Chosen]):
    """A list that looks again by itself."""

    BINDINGS = [*bindings("runlist"), *bindings("dialog")]
    help_key = "runlist"
    CSS = """
    RunsScreen .dialog { width: 110; max-width: 98%; }
    RunsScreen #rows { height: auto; max-height: 20; margin-bottom: 1; }
    """

    class Listed(Message):
        """The runs as they are now."""

        def __init__(self, rows: list[Row]) -> None:
            self.rows = rows
            super().__init__()

    def __init__(self, here: str | None, over: tuple[str, ...]) -> None:
        super().__init__()
        self._here, self._over = here, over
        self._rows: list[Row] = []

    def compose(self) -> ComposeResult:
        """Title, list, what the keys do."""
        with Vertical(classes="dialog"):
            yield Say("runlist.title", id="title")
            yield RunList(id="rows", markup=False)
            yield Say("runlist.hint", classes="muted")
        yield KeyBar()

    def on_mount(self) -> None:
        """Look now and again."""
        self.query_one(RunList).focus()
        self._look()
        self.set_interval(AGAIN_S, self._look)

    @work(thread=True, exclusive=True, group="runlist", exit_on_error=False)
    def _look(self) -> None:
        outside: Any = cast(Any, self.app).outside
        rows = []
        for run in outside.list_runs()[:SHOWN]:
            view = glance(run)
            info = run.info()
            label = view.label or (info.label if info else None) or ""
            rows.append(Row(run.id, outside.state_of(run), label, view.step, view.total, view.loss, view.eta_s))
        if not get_current_worker().is_cancelled:
            self.post_message(self.Listed(rows))

    @on(Listed)
    def _listed(self, event: Listed) -> None:
        if event.rows != self._rows:
            self._rows = event.rows
            self.retranslate()

    def retranslate(self) -> None:
        """Every row in the present language, the place kept."""
        listed = self.query_one(RunList)
        at = listed.highlighted
        listed.set_options([Option(self._line(row), id=row.id) for row in self._rows])
        if self._rows:
            here = next((place for place, row in enumerate(self._rows) if row.id == self._here), 0)
            listed.highlighted = at if at is not None and at < len(self._rows) else here

    def _line(self, row: Row) -> Content:
        say = cast(Any, self.app).say
        mark = "*" if row.id in self._over else ">" if row.id == self._here else " "
        place = f"{row.step}/{row.total}" if row.total else str(row.step or "")
        left = duration(row.eta_s) if row.state == "running" and row.eta_s is not None else ""
        return Content.assemble(
            (f"{mark} ", "bold $accent"),
            (set_cell_size(say(f"state.{row.state}"), 13), STYLES.get(row.state, "$text-muted")),
            (set_cell_size(clean(row.id, 60), 34), ""),
            (set_cell_size(place, 12), "$text-muted"),
            (set_cell_size(short(row.loss) if row.loss is not None else "", 8), ""),
            *([(set_cell_size(left, 9) + clean(row.label, 60), "$text-muted")] if self.size.width >= WIDE else []),
        )

    def action_overlay(self) -> None:
        """Lay this run's loss over the chart, or take it away."""
        listed = self.query_one(RunList)
        if listed.highlighted is None or not self._rows:
            return
        run_id = self._rows[listed.highlighted].id
        if run_id != self._here:
            kept = tuple(each for each in self._over if each != run_id)
            self._over = kept if run_id in self._over else (*self._over, run_id)[-3:]
            self.retranslate()

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Chosen(event.option_id, self._over))

    def action_cancel(self) -> None:
        """Esc: stay, with what was laid over."""
        self.dismiss(Chosen(None, self._over))
