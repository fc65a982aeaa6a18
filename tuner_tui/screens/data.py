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
from tuner_tui.state import Wizard, answer, with_path
from tuner_tui.widgets.advice_panel import AdvicePanel
from tuner_tui.widgets.field import Field, PathField
from tuner_tui.widgets.inspection import InspectionPanel
from tuner_tui.widgets.speaks import Say

PATHS = ("data_path", "eval_path", "docs_path")
KINDS = tuple(Data.__struct_fields__)
SOON_S = 0.4


class DataScreen(AskingScreen):
    """Three paths above; below, what is in the one in hand, and how many rows of each kind there are."""

    STEP = "data"
    FIRST_FOCUS = "#data_path"
    CSS_PATH = "data.tcss"
    BINDINGS = bindings("data")

    _typing: Timer | None = None
    _in_writing: str | None = None

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

    def load(self, wizard: Wizard) -> None:
        """Paths, counts, and what the path in hand holds."""
        super().load(wizard)
        for name in PATHS:
            self.query_one(f"#field-{name}", Field).show(getattr(wizard, name))
            path = getattr(wizard, name)
            self.tuner.reading.look_at(path, folders=path != self._in_writing)
        for kind in KINDS:
            self.query_one(f"#field-{kind}", Field).show(getattr(wizard.facts.data, kind))
        self.query_one("#counts").border_title = self.say("data.counts")
        self._show()

    def _show(self) -> None:
        path, reading = getattr(self.wizard, self.in_hand), self.tuner.reading
        panel = self.query_one(InspectionPanel)
        panel.border_title = self.say(f"data.{self.in_hand}")
        empty = "data.no_path" if self.in_hand == "data_path" else f"data.no_{self.in_hand}"
        panel.show(path, reading.inspections.get(path or ""), reading.looking(path or ""), empty)

    def _read(self, what: str) -> None:
        if self.is_current and what == getattr(self.wizard, self.in_hand):
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
            self.tuner.reading.look_at(value, folders=not in_writing)
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

    def action_inspect(self) -> None:
        """Read the file in hand again."""
        self.tuner.reading.look_at(getattr(self.wizard, self.in_hand), again=True)
        self._show()

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
