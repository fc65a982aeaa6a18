"""Step 2 takes paths and counts; what a path holds is read from it, never assumed, and it is said when it cannot be."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer

from advisor.facts import Data
from tuner_tui.keys import bindings
from tuner_tui.safe import clean
from tuner_tui.screens.asking import AskingScreen
from tuner_tui.screens.rows import RowScreen, Sought
from tuner_tui.state import Wizard, answer, with_path
from tuner_tui.widgets.advice_panel import AdvicePanel
from tuner_tui.widgets.field import Field, PathField
from tuner_tui.widgets.inspection import InspectionPanel
from tuner_tui.widgets.speaks import Say

PATHS = ("data_path", "eval_path", "docs_path")
KINDS = tuple(Data.__struct_fields__)
SOON_S = 0.4
PROGRESS_S = 0.25


class DataScreen(AskingScreen):
    """Three paths above; below, what is in the one in hand, and how many rows of each kind there are.

    A path that is empty has nothing to show: while it has the focus, the training data stays in sight.
    """

    STEP = "data"
    FIRST_FOCUS = "#data_path"
    CSS_PATH = "data.tcss"
    BINDINGS = bindings("data")

    _typing: Timer | None = None
    _in_writing: str | None = None
    _progressing: Timer

    def compose_content(self) -> ComposeResult:
        """Paths, inspection, counts, advice."""
        self.in_hand = "data_path"
        with Vertical(id="paths"):
            for name in PATHS:
                yield PathField(name, f"data.{name}")
        with Horizontal():
            yield InspectionPanel(id="inspection", classes="panel")
            with VerticalScroll(id="counts", classes="panel", can_focus=False):
                yield Say("data.counts.why", classes="muted")
                for kind in KINDS:
                    yield Field(kind, f"kind.{kind}", number=True, whole=True)
            yield AdvicePanel(id="side")

    def on_mount(self) -> None:
        """Follow what is read."""
        super().on_mount()
        self.tuner.reading.changed.subscribe(self, self._read)
        self.query_one(InspectionPanel).ascii_only = self.tuner.settings.ascii
        self._progressing = self.set_interval(PROGRESS_S, self._progress, pause=True)

    def load(self, wizard: Wizard) -> None:
        """Paths, counts, and what the path in hand holds."""
        super().load(wizard)
        for name in PATHS:
            self.query_one(f"#field-{name}", PathField).hint(self.say(f"data.hint.{name}"))
            self.query_one(f"#field-{name}", Field).show(getattr(wizard, name))
        self._look()
        for kind in KINDS:
            self.query_one(f"#field-{kind}", Field).show(getattr(wizard.facts.data, kind))
        self.query_one("#counts").border_title = self.say("data.counts")
        self._show()

    def _look(self, name: str | None = None, *, again: bool = False) -> None:
        """Read what the paths name, held-out rows first: training rows are held against them."""
        reading = self.tuner.reading
        for each in (name,) if name else ("eval_path", "data_path", "docs_path"):
            path = getattr(self.wizard, each)
            folders = path is None or path != self._in_writing
            reading.look_at(path, reading.against(self.wizard, each), again=again, folders=folders)

    @property
    def _shown(self) -> str:
        """The path whose content is in sight."""
        return self.in_hand if getattr(self.wizard, self.in_hand) else "data_path"

    def _show(self) -> None:
        path, reading = getattr(self.wizard, self._shown), self.tuner.reading
        panel = self.query_one(InspectionPanel)
        panel.border_title = self.say(f"data.{self._shown}")
        looking = reading.looking(path or "")
        panel.show(path, reading.inspections.get(path or ""), looking)
        (self._progressing.resume if looking else self._progressing.pause)()
        self.refresh_bindings()

    def _progress(self) -> None:
        path = getattr(self.wizard, self._shown)
        for panel in self.query(InspectionPanel):  # none while the screen is being taken down
            panel.advance(self.tuner.reading.progress.get(path or ""))

    def _read(self, what: str) -> None:
        if not self.is_current:
            return
        if what in (self.wizard.eval_path, self.wizard.data_path):
            self._look()
        if what == getattr(self.wizard, self._shown):
            self._show()

    # -- answers -----------------------------------------------------------------------------------------------

    @on(Field.Edited)
    def _edited(self, event: Field.Edited) -> None:
        if event.name in KINDS:
            self.tuner.change(answer(self.wizard, f"data.{event.name}", event.value))
            return
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(SOON_S, lambda: self._path(event.name, event.value, in_writing=True))

    def _path(self, name: str, value: str | None, *, in_writing: bool = False) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        self.in_hand = name
        self._in_writing = value if in_writing else None
        if value != getattr(self.wizard, name):
            self.tuner.change(with_path(self.wizard, name, value))
        else:
            self._look(name)
        self._show()

    @on(Field.Entered)
    def _entered(self, event: Field.Entered) -> None:
        if event.name in PATHS:
            typed = self.query_one(f"#field-{event.name}", Field).input.value.strip()
            held = getattr(self.wizard, event.name)
            self._path(event.name, held if typed == clean(held or "") else typed or None)
        order = (*PATHS, *KINDS)
        at = order.index(event.name) + 1
        if at < len(PATHS):
            self.query_one(f"#{order[at]}").focus()
        else:
            self.query_one("#go").focus()

    def on_descendant_focus(self, event: Any) -> None:
        """The path in hand is the one with the focus."""
        name = getattr(event.widget, "id", None)
        if name in PATHS and name != self.in_hand:
            self.in_hand = name
            self._show()

    # -- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rows and preparation only where rows were read."""
        if action in ("rows", "make_ready"):
            return self.is_mounted and self.tuner.reading.found(getattr(self.wizard, self._shown)) is not None
        return super().check_action(action, parameters)

    def action_back(self) -> None:
        """Out of a reading that takes long; else to the step before."""
        if self.tuner.reading.cancel(getattr(self.wizard, self._shown)):
            self._show()
        else:
            super().action_back()

    def action_inspect(self) -> None:
        """Read the file in sight again."""
        self._look(self._shown, again=True)
        self._show()

    def action_rows(self) -> None:
        """The rows one by one."""
        self._show_rows(1)

    @on(InspectionPanel.Led)
    def _led(self, event: InspectionPanel.Led) -> None:
        found = self.tuner.reading.found(getattr(self.wizard, self._shown))
        problem = found.problem(event.code) if found else None
        if problem is not None and problem.rows:
            from tuner_tui.inspect.told import told

            self._show_rows(problem.rows[0], tuple(problem.rows), told(found, problem, self.tuner.lang))
        elif problem is not None:
            self.tell("data.whole_file", "muted")

    def _show_rows(self, number: int, odd: tuple[int, ...] = (), problem: str = "") -> None:
        path = getattr(self.wizard, self._shown)
        found = self.tuner.reading.found(path)
        if found is not None:
            sought = Sought(path, found.rows, found.mapping, self.wizard.model_path, odd, problem)
            self.tuner.push_screen(RowScreen(sought, number))

    def action_make_ready(self) -> None:
        """Mapped, mended, freed of repeats, split: the result is the data from then on."""
        from tuner_tui.screens.prepare import PrepareScreen, Ready

        path = self.wizard.data_path
        found = self.tuner.reading.found(path)

        def take(ready: Ready | None) -> None:
            if ready is not None:
                self._path("data_path", ready.train)
                if ready.test:
                    self._path("eval_path", ready.test)
                self.in_hand = "data_path"
                self._show()

        if path is not None and found is not None:
            self.tuner.push_screen(PrepareScreen(path, found, self.wizard.eval_path), take)

    def action_browse(self, name: str = "data_path") -> None:
        """Pick a path in a list."""
        from tuner_tui.screens.picker import PickerScreen

        def take(path: str | None) -> None:
            if path:
                self._path(name, path)

        start = getattr(self.wizard, name)
        self.tuner.push_screen(PickerScreen(f"data.{name}", start, folders=True), take)

    def action_browse_eval(self) -> None:
        """Pick the held-out file."""
        self.action_browse("eval_path")

    def action_browse_docs(self) -> None:
        """Pick the folder of documents."""
        self.action_browse("docs_path")
