"""The bake-off while it runs: each lane as it is scored, then the table, the verdict, and the answers side by side."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.reading import Cancelled
from tuner_tui.safe import clean
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.speaks import Plain, Say

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp


class BakeoffScreen(ModalScreen[None]):
    """Lanes of one run on its held-out questions. Esc ends what is at work and leaves."""

    BINDINGS = bindings("bakeoff")
    DEFAULT_CSS = """
    BakeoffScreen #table { height: auto; max-height: 50%; }
    BakeoffScreen #answers { height: 1fr; border-top: solid $rule; }
    """

    class Told(Message):
        """A line of progress."""

        def __init__(self, line: str) -> None:
            self.line = line
            super().__init__()

    class Over(Message):
        """The document of `tuner compare` and its table in words, or why there is none."""

        def __init__(self, document: dict[str, Any] | None, text: str) -> None:
            self.document, self.text = document, text
            super().__init__()

    def __init__(self, run_id: str) -> None:
        super().__init__()
        self._run_id = run_id
        self._lines: list[str] = []
        self._document: dict[str, Any] | None = None
        self._at = 0
        self._stop = threading.Event()

    def compose(self) -> ComposeResult:
        """Progress or table above, one question below."""
        with Vertical(classes="dialog"):
            yield Say("bakeoff.title", id="title", run=self._run_id)
            with VerticalScroll(id="table"):
                yield Plain(id="told")
            with VerticalScroll(id="answers"):
                yield Plain(id="question")
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin at once: it was asked for by a key."""
        app = cast("TunerApp", self.app)
        self.query_one("#told", Plain).show(app.say("bakeoff.begins"))
        self._compare(app.lang)

    def on_unmount(self) -> None:
        """Nothing goes on behind a closed window."""
        self._stop.set()

    @work(thread=True, exclusive=True, group="bakeoff", exit_on_error=False)
    def _compare(self, lang: str) -> None:
        document, text = None, ""

        def tell(line: str) -> None:
            if self._stop.is_set():
                raise Cancelled
            self.post_message(self.Told(line))

        try:
            document, text = cast("TunerApp", self.app).outside.bakeoff(self._run_id, lang, tell)
        except Cancelled:
            return
        except InputError as error:
            text = error.text(lang)
        except Exception as error:  # what a lane did not foresee must not take the app with it
            text = str(error) if isinstance(error, Unavailable) else f"{type(error).__name__}: {error}"
        self.post_message(self.Over(document, text))

    def on_bakeoff_screen_told(self, event: Told) -> None:
        """One more line."""
        self._lines.append(clean(event.line, 300))
        self.query_one("#told", Plain).show("\n".join(self._lines))

    def on_bakeoff_screen_over(self, event: Over) -> None:
        """The table in place of the progress."""
        self._document = event.document
        text = clean(event.text, 8000, lines=True)
        self.query_one("#told", Plain).show(Content.styled(text, "" if event.document else "$error"))
        self._draw()
        self.refresh_bindings()

    # -- answers side by side ----------------------------------------------------------------------------------

    @property
    def _answers(self) -> list[dict[str, Any]]:
        return (self._document or {}).get("answers") or []

    def _draw(self) -> None:
        if not self._answers:
            return
        say, row = cast("TunerApp", self.app).say, self._answers[self._at]
        place = say("results.sample", number=self._at + 1, count=len(self._answers))
        parts: list[tuple[str, str]] = [
            (f"{place}  ", "$text-muted"),
            (clean(row["question"], 2000) + "\n", "bold"),
            (f"{say('results.wanted')}: ", "$text-muted"),
            (clean(row["reference"], 2000) + "\n", "$success"),
        ]
        best = max(each["score"] for each in row["lanes"].values()) if row["lanes"] else 0
        for lane, said in row["lanes"].items():
            won = said["score"] >= best
            parts.append(
                (f"{'+' if won else '-'} {say('compare.lane.' + lane)} ", "bold $success" if won else "$warning")
            )
            parts += [(f"({said['score']:.2f}): ", "$text-muted"), (clean(said["answer"], 1000) + "\n", "")]
        self.query_one("#question", Plain).show(Content.assemble(*parts))

    def retranslate(self) -> None:
        """The question in the present language; the table keeps that of its making."""
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Questions only when there are some."""
        return bool(self._answers) if action in ("question", "differing") else super().check_action(action, parameters)

    def action_question(self) -> None:
        """The next question."""
        self._at = (self._at + 1) % len(self._answers)
        self._draw()

    def action_differing(self) -> None:
        """The next question that one lane got better than another."""
        count = len(self._answers)
        order = [(self._at + step) % count for step in range(1, count + 1)]
        self._at = next((at for at in order if _differs(self._answers[at])), self._at)
        self._draw()

    def action_cancel(self) -> None:
        """End it."""
        self.dismiss()


def _differs(row: dict[str, Any]) -> bool:
    return len({each["score"] for each in row["lanes"].values()}) > 1
