"""Data made ready beside its source: the person says what columns are and what is left out, and reads what was done."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.progress import Progress
from tuner_tui.reading import Cancelled
from tuner_tui.safe import clean
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.field import Field, PathField
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.meter import bar
from tuner_tui.widgets.speaks import Plain, Say
from tuner_tui.widgets.steps import Steps

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

OURS = ("prompt", "completion", "chosen", "rejected", "label", "text", "messages")
COLUMNS = 8
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)
PROGRESS_S = 0.25
BAR = 24


class Ready(NamedTuple):
    """What was made: the rows to train on, and those held out where any were."""

    train: str
    test: str | None


class ColumnSteps(Steps):
    """A column of theirs, and what it is for us (None: as its name says)."""

    def name_words(self) -> str:
        """The column's own name."""
        return clean(self.label, 18)


class PrepareScreen(ModalScreen[Ready]):
    """Choices above, what was made below; Enter or F4 begins, and again takes the result as the data."""

    BINDINGS = bindings("prepare")
    help_key = "ready"
    DEFAULT_CSS = """
    PrepareScreen #choices { height: 1fr; }
    PrepareScreen Answers { height: auto; }
    PrepareScreen .part { margin-top: 1; color: $secondary; }
    PrepareScreen #made { height: auto; max-height: 12; border-top: solid $rule; }
    PrepareScreen #begin { height: 1; border: none; min-width: 20; background: $primary 25%; color: $foreground; }
    PrepareScreen #begin:focus { background: $primary; color: $on-primary; text-style: bold; }
    """

    class Made(Message):
        """It is done, or the words that say why not ("" when it was ended)."""

        def __init__(self, made: Any, error: str) -> None:
            self.made, self.error = made, error
            super().__init__()

    def __init__(self, path: str, found: Any, held: str | None) -> None:
        super().__init__()
        self._path, self._found, self._held = path, found, held
        self._made: Any = None
        self._stop: threading.Event | None = None
        self._progress: Progress | None = None
        self._ticking: Timer
        theirs = {column: ours for ours, column in found.mapping.items()}
        self._ours = {column: theirs.get(column) for column in found.columns[:COLUMNS]}
        self._drop: tuple[str, ...] = self._offered()[0]
        self._chosen: dict[str, Any] = {"share": 0.0 if held else 0.1, "group": None, "time": None, "gaps": False}

    @property
    def tuner(self) -> TunerApp:
        """The app, typed."""
        return cast("TunerApp", self.app)

    def _offered(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Problems whose rows are left out unless kept, and those left out by wish, as far as the data has them."""
        from tuner_tui.inspect.prepare import ALWAYS, BY_WISH

        here = {problem.code for problem in self._found.problems}
        return ALWAYS, tuple(code for code in BY_WISH if code in here)

    def key_word(self, name: str) -> str | None:
        """Beginning, ending and taking are one key."""
        return None if name != "begin" else "ready.use" if self._made else "ready.stop" if self._stop else "ready.begin"

    def compose(self) -> ComposeResult:
        """Columns, what is left out, the split, where to."""
        always, wished = self._offered()
        with Vertical(classes="dialog"):
            yield Say("ready.title", id="title", path=Path(self._path).name)
            with VerticalScroll(id="choices", can_focus=False):
                if self._ours:
                    yield Say("ready.columns", classes="part")
                for at, (column, ours) in enumerate(self._ours.items()):
                    yield ColumnSteps(f"column-{at}", column, (None, *OURS), ours, self._column_word)
                yield Say("ready.leave_out", classes="part")
                yield Answers("ready_drop", "ready.drop", (*always, *wished), several=True, ranked=False, id="drop")
                if self._found.problem("mojibake_lossy"):
                    yield Steps("gaps", "ready.gaps", (False, True), False, self._gaps_word)
                yield Say("ready.split_title", classes="part")
                yield Steps("share", "ready.share", SHARES, self._chosen["share"], self._share_word)
                if self._found.columns:
                    columns = (None, *self._found.columns[:30])
                    yield Steps("group", "ready.group", columns, None, self._name_word)
                    yield Steps("time", "ready.time", columns, None, self._name_word)
                yield PathField("out", "ready.out")
            with VerticalScroll(id="made", can_focus=False):
                yield Plain(id="said")
            yield Button("", id="begin", compact=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """Everything as it is proposed."""
        self.query_one(Answers).show(self._drop)
        source = Path(self._path).expanduser()
        self.query_one("#field-out", Field).show(str(_free(source.with_name(f"{source.name.split('.')[0]}-ready"))))
        self._ticking = self.set_interval(PROGRESS_S, self._tick, pause=True)
        self.query_one("#begin").focus()
        self.retranslate()

    def _tick(self) -> None:
        if self.query("#said"):  # gone while the window is being taken down
            self.retranslate()

    # -- words -------------------------------------------------------------------------------------------------

    def _column_word(self, ours: Any) -> str:
        return self.tuner.say("ready.as_named") if ours is None else str(ours)

    def _share_word(self, share: Any) -> str:
        held = self._held and share == 0
        return self.tuner.say("ready.held_is_there" if held else "ready.share_word", percent=f"{share:.0%}")

    def _gaps_word(self, gaps: Any) -> str:
        return self.tuner.say("ready.gaps_mend" if gaps else "ready.gaps_leave")

    def _name_word(self, name: Any) -> str:
        return self.tuner.say("ready.none") if name is None else clean(name, 30)

    def retranslate(self) -> None:
        """What was made, how far it is, what Enter does."""
        say = self.tuner.say
        begin = self.query_one("#begin", Button)
        begin.label = say(self.key_word("begin") or "")
        self.refresh_bindings()
        if self._stop is not None:
            self.query_one("#said", Plain).show(self._progress_words())
        elif self._made is not None:
            from tuner_tui.commands.prepare import lines

            self.query_one("#said", Plain).show("\n".join(clean(line, 400) for line in lines(self._made, say)))

    def _progress_words(self) -> Content:
        say, progress = self.tuner.say, self._progress
        if progress is None:
            return Content(say("ready.working"))
        drawn = (
            bar(progress.share, BAR, "$primary", ascii_only=self.tuner.settings.ascii)
            if progress.share is not None
            else Content("")
        )
        return Content.assemble(drawn, " ", say("data.progress", rows=f"{progress.rows:,}"))

    # -- choices -----------------------------------------------------------------------------------------------

    @on(Steps.Moved)
    def _moved(self, event: Steps.Moved) -> None:
        if event.name.startswith("column-"):
            column = list(self._ours)[int(event.name.removeprefix("column-"))]
            self._ours[column] = event.value
        else:
            self._chosen[event.name] = event.value
        self._changed()

    @on(Answers.Changed)
    def _dropped(self, event: Answers.Changed) -> None:
        self._drop = event.chosen
        self._changed()

    @on(Field.Edited)
    def _placed(self) -> None:
        self._changed()

    def _changed(self) -> None:
        """Another choice: what was made before stays on the disk, and is no longer what Enter takes."""
        if self._made is not None:
            self._made = None
            self.query_one("#said", Plain).show("")
            self.query_one("#field-out", Field).show(str(_free(Path(self._out()))))
        self.retranslate()

    def _out(self) -> str:
        return self.query_one("#field-out", Field).input.value.strip()

    def _choice(self) -> Any:
        from tuner_tui.inspect.prepare import ALWAYS, MENDED_BY_WISH, Choice

        mapping = {ours: column for column, ours in self._ours.items() if ours is not None and ours != column}
        return Choice(
            mapping=mapping,
            drop=tuple(code for code in self._drop if code not in ALWAYS),
            keep=tuple(code for code in ALWAYS if code not in self._drop),
            mend=MENDED_BY_WISH if self._chosen["gaps"] else (),
            test=Path(self._held).expanduser() if self._held else None,
            shares=(0.0, self._chosen["share"]) if not self._held else (self._chosen["share"], 0.0),
            group=self._chosen["group"],
            time=self._chosen["time"],
        )

    # -- making ------------------------------------------------------------------------------------------------

    @on(Button.Pressed, "#begin")
    @on(Answers.Accepted)
    @on(Field.Entered)
    def _pressed(self) -> None:
        self.action_begin()

    def action_begin(self) -> None:
        """Begin; while it works, end it; when it is done, take it."""
        if self._stop is not None:
            self._stop.set()
        elif self._made is not None:
            files, out = self._made.files, Path(self._made.out)
            test = "test.jsonl" if "test.jsonl" in files else "validation.jsonl" if not self._held else ""
            self.dismiss(Ready(str(out / "train.jsonl"), str(out / test) if test in files else None))
        else:
            self._stop, self._progress = threading.Event(), None
            self._ticking.resume()
            self._make(self._choice(), self._out(), self._stop)
            self.retranslate()

    @work(thread=True, exclusive=True, group="prepare", exit_on_error=False)
    def _make(self, choice: Any, out: str, stop: threading.Event) -> None:
        made, error, worker = None, "", get_current_worker()

        def heard(rows: int, share: float | None) -> None:
            if stop.is_set() or worker.is_cancelled:
                raise Cancelled
            self._progress = Progress(rows, share)

        try:
            made = self.tuner.outside.make_ready(self._path, out, choice, heard)
        except Cancelled:
            error = self.tuner.say("ready.stopped")
        except InputError as wrong:
            error = wrong.text(self.tuner.lang)
        except (Unavailable, OSError) as wrong:
            error = str(wrong)
        except Exception as wrong:  # an unforeseen row must not take the app with it
            error = f"{type(wrong).__name__}: {wrong}"
        if not worker.is_cancelled:
            self.post_message(self.Made(made, error))

    @on(Made)
    def _done(self, event: Made) -> None:
        self._stop, self._made = None, event.made
        self._ticking.pause()
        if event.error:
            self.query_one("#said", Plain).show(Content.styled(clean(event.error, 600), "$error"))
        self.query_one("#begin").focus()
        self.retranslate()

    def action_cancel(self) -> None:
        """End the work; when nothing is at work, leave without a change."""
        if self._stop is not None:
            self._stop.set()
        else:
            self.dismiss(None)


def _free(path: Path) -> Path:
    """A folder of that name which is not there yet: `rows-ready`, `rows-ready-2`, ..."""
    tried, number = path, 2
    while tried.exists():
        tried, number = path.with_name(f"{path.name}-{number}"), number + 1
    return tried
