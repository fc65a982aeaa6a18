"""The bake-off: what is enough is asked first; then each lane as it goes, then the table and the answers together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from rich.cells import set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button

from advisor.errors import InputError
from tuner_tui.compared import figures, lanes_tables, notes
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.reading import Cancelled
from tuner_tui.safe import clean
from tuner_tui.state import measured
from tuner_tui.widgets.hanging import Hanging, Row
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.meter import bar
from tuner_tui.widgets.speaks import Say
from tuner_tui.widgets.steps import Steps
from tuner_tui.words import words

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

GOALS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
ENOUGH = 0.9
NAME, BAR = 24, 24


class BakeoffScreen(ModalScreen[None]):
    """Lanes of one run on its held-out questions. Esc ends what is at work and leaves."""

    BINDINGS = bindings("bakeoff")
    help_key = "bakeoff"
    DEFAULT_CSS = """
    BakeoffScreen #table { height: auto; max-height: 50%; }
    BakeoffScreen #answers { height: 1fr; border-top: solid $rule; }
    BakeoffScreen .muted { margin-bottom: 1; }
    BakeoffScreen #begin {
        height: 1; border: none; min-width: 20; margin-top: 1; background: $primary 25%; color: $foreground;
    }
    BakeoffScreen #begin:focus { background: $primary; color: $on-primary; text-style: bold; }
    """

    class Heard(Message):
        """An event of the comparison."""

        def __init__(self, event: dict[str, Any]) -> None:
            self.event = event
            super().__init__()

    class Over(Message):
        """The document of `tuner compare`, or why there is none."""

        def __init__(self, document: dict[str, Any] | None, error: str) -> None:
            self.document, self.error = document, error
            super().__init__()

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._goal = ENOUGH
        self._lanes: dict[str, dict[str, Any]] = {}
        self._begun = False
        self._document: dict[str, Any] | None = None
        self._error = ""
        self._at = 0
        self._stop = threading.Event()

    @property
    def tuner(self) -> TunerApp:
        """The app, typed."""
        return cast("TunerApp", self.app)

    def compose(self) -> ComposeResult:
        """Goal, then progress or table above, one question below."""
        with Vertical(classes="dialog"):
            yield Say("bakeoff.title", id="title", run=self._run_id)
            yield Say("bakeoff.why", classes="muted")
            yield Steps("goal", "bakeoff.goal", GOALS, self._goal, lambda goal: f"{goal:.2f}")
            with VerticalScroll(id="table"):
                yield Hanging(id="told")
            with VerticalScroll(id="answers"):
                yield Hanging(id="question")
            yield Button("", id="begin", compact=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """The goal can be moved at once; Enter begins."""
        self.query_one("#answers").display = False
        self.query_one(Steps).focus()
        self.retranslate()

    def on_unmount(self) -> None:
        """Nothing goes on behind a closed window."""
        self._stop.set()

    def on_resize(self) -> None:
        """The table has other room."""
        self.call_after_refresh(self.retranslate)

    @on(Steps.Moved)
    def _moved(self, event: Steps.Moved) -> None:
        self._goal = event.value

    @on(Button.Pressed, "#begin")
    def _pressed(self) -> None:
        self.action_cancel() if self._begun else self.action_begin()

    def action_begin(self) -> None:
        """Compare."""
        self._begun = True
        self.query_one(Steps).disabled = True
        self.query_one("#begin").focus()
        self.retranslate()
        self.refresh_bindings()
        self._compare(self._goal, self.tuner.lang)

    @work(thread=True, exclusive=True, group="bakeoff", exit_on_error=False)
    def _compare(self, goal: float, lang: str) -> None:
        document, error = None, ""

        def heard(event: dict[str, Any] | None) -> None:
            if self._stop.is_set():
                raise Cancelled
            if event is not None:
                self.post_message(self.Heard(event))

        try:
            outside = self.tuner.outside
            lanes = outside.lanes(self._run_id)
            heard({"t": "lanes", "lanes": lanes})
            document = outside.bakeoff(self._run_id, lanes, goal, lang, heard)
        except Cancelled:
            return
        except InputError as wrong:
            error = wrong.text(lang)
        except Exception as wrong:  # what a lane did not foresee must not take the app with it
            error = str(wrong) if isinstance(wrong, Unavailable) else f"{type(wrong).__name__}: {wrong}"
        self.post_message(self.Over(document, error))

    def on_bakeoff_screen_heard(self, message: Heard) -> None:
        """How far a lane is."""
        event = message.event
        if event["t"] == "lanes":
            self._lanes = {lane: {} for lane in event["lanes"]}
        elif event.get("lane") in self._lanes:
            self._lanes[event["lane"]] = event
        self.retranslate()

    def on_bakeoff_screen_over(self, event: Over) -> None:
        """The table in place of the progress; what was measured of the present run becomes a fact for the advice."""
        self._document, self._error = event.document, event.error
        if event.document is not None and self.tuner.wizard.run_id == self._run_id:
            self.tuner.change(measured(self.tuner.wizard, event.document.get("history") or {}))
        self.query_one("#answers").display = bool(self._answers)
        for name in ("#begin", "Steps", ".muted"):
            self.query_one(name).display = False
        self.query_one("#answers" if self._answers else "#table").focus()
        self.retranslate()
        self.refresh_bindings()

    # -- words -------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """What is known by now, in the present language; the verdict keeps that of its making."""
        if not self.query("#told"):  # gone while the window is being taken down
            return
        say = self.tuner.say
        self.query_one("#begin", Button).label = say("bakeoff.stop" if self._begun else "bakeoff.begin")
        self.query_one("#told", Hanging).show(self._told())
        self.query_one("#question", Hanging).show(self._question())

    def _told(self) -> list[Row]:
        if self._error:
            return [(Content(""), Content.styled(clean(self._error, 2000, lines=True), "$error"))]
        if self._document is not None:
            table = words(self.tuner.lang)
            room = self.query_one("#told").size.width
            first, *more = lanes_tables(self._document, table, room)
            lines = [(first[0], "$text-muted"), *((row, "") for row in first[1:]), ("", "")]
            lines += [(clean(self._document["verdict"]["text"], 2000, lines=True), "bold")]
            for head, *rows in more:
                lines += [("", ""), (head, "$text-muted"), *((row, "") for row in rows)]
            lines += [(row, "$text-muted") for row in figures(self._document["lanes"], table, room)]
            lines += [(clean(note, 2000), "$text-muted") for note in notes(self._document, table)]
            return [(Content(""), Content.styled(text, style)) for text, style in lines]
        if self._begun and not self._lanes:
            return [(Content(""), Content.styled(self.tuner.say("bakeoff.begins"), "$text-muted"))]
        return [self._progress(lane, event) for lane, event in self._lanes.items()]

    def _progress(self, lane: str, event: dict[str, Any]) -> Row:
        """One lane: its name, and how far it is."""
        say, kind = self.tuner.say, event.get("t")
        name = set_cell_size(say(f"compare.lane.{lane}"), NAME)
        if kind == "scored":
            score = f"{event['score']:.3f} ({event['low']:.3f} … {event['high']:.3f})"
            return Content.styled(name, "$success"), Content.styled(score, "bold")
        if kind == "item":
            share = event["done"] / max(event["items"], 1)
            drawn = bar(share, BAR, "$primary", ascii_only=self.tuner.settings.ascii)
            return Content.styled(name, "bold"), Content.assemble(drawn, f" {event['done']}/{event['items']}")
        if kind == "broken":
            return Content.styled(name, "$error"), Content.styled(clean(event.get("text", ""), 400), "$error")
        if kind == "shots":
            said = say("bakeoff.shots", done=event["done"], items=event["items"])
            return Content.styled(name, "bold"), Content(said)
        style = "bold" if kind else "$text-muted"
        said = say("bakeoff.works" if kind else "bakeoff.waits")
        return Content.styled(name, style), Content.styled(said, "$text-muted")

    @property
    def _answers(self) -> list[dict[str, Any]]:
        return (self._document or {}).get("answers") or []

    def _question(self) -> list[Row]:
        if not self._answers:
            return []
        say, row = self.tuner.say, self._answers[self._at]
        place = say("results.sample", number=self._at + 1, count=len(self._answers))
        rows = [
            (Content.styled(f"{place}  ", "$text-muted"), _said(row["question"], "bold")),
            (Content.styled(f"{say('results.wanted')}: ", "$text-muted"), _said(row["reference"], "$success")),
        ]
        best = max((each["score"] for each in row["lanes"].values()), default=0)
        for lane, said in row["lanes"].items():
            won = said["score"] >= best
            name = f"{'+' if won else '-'} {say('compare.lane.' + lane)} ({said['score']:.2f}): "
            rows.append((Content.styled(name, "bold $success" if won else "$warning"), _said(said["answer"], "")))
            if "cites" in said:
                rests = say("chat.rests", cited=said["cites"]) if said["cites"] else say("chat.rests_on_none")
                blame = say(f"compare.page.blame_{said['blame']}") if said.get("blame") else ""
                rows.append((Content("  "), _said(f"{rests} {blame}".strip(), "$text-muted")))
        return rows

    # -- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Questions only when there are some; beginning only once."""
        if action == "begin":
            return not self._begun
        return bool(self._answers) if action in ("question", "differing") else super().check_action(action, parameters)

    def action_question(self) -> None:
        """The next question."""
        self._at = (self._at + 1) % len(self._answers)
        self.retranslate()

    def action_differing(self) -> None:
        """The next question that one lane got better than another."""
        count = len(self._answers)
        order = [(self._at + step) % count for step in range(1, count + 1)]
        self._at = next((at for at in order if _differs(self._answers[at])), self._at)
        self.retranslate()

    def action_cancel(self) -> None:
        """End it."""
        self.dismiss()


def _said(text: str, style: str) -> Content:
    return Content.styled(clean(text, 2000, lines=True), style)


def _differs(row: dict[str, Any]) -> bool:
    return len({each["score"] for each in row["lanes"].values()}) > 1
