"""One row at a time: as it stands in the file, and as the model reads it, trained and masked tokens told apart."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.safe import clean
from tuner_tui.widgets.inspection import turns
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.row_text import read_by_model
from tuner_tui.widgets.speaks import Plain, Say


class Sought(NamedTuple):
    """Which rows: of a file under a mapping, all `rows` of them; `odd` are those that a problem named."""

    path: str
    rows: int
    mapping: dict[str, str]
    model: str | None
    odd: tuple[int, ...] = ()
    problem: str = ""


class RowText(VerticalScroll, can_focus=True):
    """Half of the view; Left and Right turn the row."""

    BINDINGS: ClassVar[Any] = bindings("rows")
    help_key = "rows"


class RowScreen(ModalScreen[None]):
    """Left and Right: the rows beside; F6: the next one that the problem names; a number leads anywhere."""

    BINDINGS = bindings("settings")
    help_key = "rows"
    DEFAULT_CSS = """
    RowScreen #halves { height: 1fr; layout: vertical; }
    RowScreen.-wide #halves { layout: horizontal; }
    RowScreen RowText { width: 1fr; height: 1fr; border: round $rule; border-title-color: $foreground; padding: 0 1; }
    RowScreen RowText:focus { border: round $primary; }
    RowScreen #wrong { height: auto; max-height: 3; }
    RowScreen #number { width: 24; }
    """

    class Found(Message):
        """A row was read, or the words that say why not."""

        def __init__(self, number: int, row: Any, pieces: Any, error: str) -> None:
            self.number, self.row, self.pieces, self.error = number, row, pieces, error
            super().__init__()

    def __init__(self, sought: Sought, number: int) -> None:
        super().__init__()
        self._sought, self._number = sought, number
        self._found: RowScreen.Found | None = None

    def compose(self) -> ComposeResult:
        """Where one is, the two halves, the number."""
        with Vertical(classes="dialog"):
            yield Say("rows.title", id="title", number=self._number, rows=f"{self._sought.rows:,}")
            yield Plain(id="wrong")
            with Container(id="halves"):
                with RowText(id="stands"):
                    yield Plain(id="cells")
                with RowText(id="reads"):
                    yield Plain(id="tokens")
            yield Input(id="number", restrict=r"[0-9]*", max_length=12, select_on_focus=True)
        yield KeyBar()

    def on_mount(self) -> None:
        """The first row."""
        self.query_one("#stands").focus()
        self.turn_to(self._number)

    # -- reading -----------------------------------------------------------------------------------------------

    def turn_to(self, number: int) -> None:
        """Another row, within the file."""
        self._number = min(max(number, 1), max(self._sought.rows, 1))
        self.query_one("#title", Say).tell("rows.title", number=self._number, rows=f"{self._sought.rows:,}")
        self._read(self._number)

    @work(thread=True, exclusive=True, group="row", exit_on_error=False)
    def _read(self, number: int) -> None:
        app: Any = cast(Any, self.app)
        sought, row, pieces, error = self._sought, None, None, ""
        try:
            row, pieces = app.outside.row(sought.path, number, sought.mapping, sought.model)
        except InputError as wrong:
            error = wrong.text(app.lang)
        except Unavailable as missing:
            error = str(missing)
        except Exception as wrong:  # an unforeseen row must not take the app with it
            error = f"{type(wrong).__name__}: {wrong}"
        if not get_current_worker().is_cancelled:
            self.post_message(self.Found(number, row, pieces, error))

    @on(Found)
    def _read_it(self, event: Found) -> None:
        if event.number == self._number:
            self._found = event
            for half in self.query(RowText):
                half.scroll_home(animate=False)
            self.retranslate()

    # -- drawing -----------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """All of it in the present language."""
        say, found = cast(Any, self.app).say, self._found
        self.query_one("#number", Input).placeholder = say("rows.number")
        self.query_one("#stands").border_title = Content(say("rows.stands"))
        self.query_one("#reads").border_title = Content(say("rows.reads"))
        if found is None:
            return
        wrong = self.query_one("#wrong", Plain)
        wrong.show(self._wrong(found))
        wrong.display = bool(str(wrong.render()))
        self.query_one("#cells", Plain).show(_cells(found.row) if found.row else "")
        self.query_one("#tokens", Plain).show(self._read_by_model(found))

    def _wrong(self, found: Found) -> Content:
        say = cast(Any, self.app).say
        if found.error:
            return Content.styled(clean(found.error, 600), "$error")
        if found.row.fault is not None:
            code, detail = found.row.fault
            key = f"inspect.problem.{code}"
            return Content.styled(say(key, rows=found.number, count=1, detail=clean(detail, 200)), "$error")
        named = found.number in self._sought.odd
        return Content.styled(clean(self._sought.problem, 600), "$warning") if named else Content("")

    def _read_by_model(self, found: Found) -> Content:
        say = cast(Any, self.app).say
        if found.row is None or found.row.fault is not None:
            return Content.styled(say("rows.left_out"), "$text-muted")
        if found.pieces is None:
            return Content.styled(say("rows.no_model"), "$text-muted")
        return read_by_model(found.pieces, say)

    # -- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rows that a problem names only where it names some."""
        return bool(self._sought.odd) if action == "odd" else super().check_action(action, parameters)

    def action_earlier(self) -> None:
        """The row before."""
        self.turn_to(self._number - 1)

    def action_later(self) -> None:
        """The row after."""
        self.turn_to(self._number + 1)

    def action_odd(self) -> None:
        """The next row that the problem names, then the first again."""
        odd = sorted(self._sought.odd)
        self.turn_to(next((row for row in odd if row > self._number), odd[0]))

    @on(Input.Submitted, "#number")
    def _numbered(self, event: Input.Submitted) -> None:
        if event.value:
            self.turn_to(int(event.value))
            event.input.value = ""
        self.query_one("#stands").focus()

    def action_close(self) -> None:
        """Back to the data."""
        self.dismiss()


def _cells(row: Any) -> Content:
    parts: list[tuple[str, str]] = []
    for name, value in row.cells:
        for said, text in turns(value) or [(name, value)]:
            parts += [(f"{clean(said, 80)}: ", "bold $secondary"), (f"{clean(text, 20_000, lines=True)}\n", "")]
    return Content.assemble(*parts)
