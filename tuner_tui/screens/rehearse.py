"""Before the first step everything is done once with the longest rows; what does not fit is never started as it is."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rich.cells import set_cell_size
from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.keys import bindings
from tuner_tui.outside import Unavailable
from tuner_tui.runs.progress import duration
from tuner_tui.safe import clean
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.meter import bar
from tuner_tui.widgets.speaks import Plain, Say

if TYPE_CHECKING:
    from tuner_tui.app import TunerApp

LOOK_S = 0.2
TICK_S = 1.0
BAR = 24
GIB = 1 << 30


class Decided(NamedTuple):
    """What the rehearsal led to: `start` the run, with `change` (recipe keys) applied where it had to be."""

    start: bool
    change: dict[str, Any]
    found: Any


class RehearseScreen(ModalScreen[Decided]):
    """What is measured, stage by stage. `then_start`: a recipe that fits starts by itself; Enter starts at once."""

    BINDINGS = bindings("dialog")
    help_key = "rehearse"

    class Over(Message):
        """It was measured (Rehearsed), or the words that say why not."""

        def __init__(self, found: Any, error: str) -> None:
            self.found, self.error = found, error
            super().__init__()

    def __init__(self, recipe: Any, *, then_start: bool) -> None:
        super().__init__()
        self._recipe, self._then_start = recipe, then_start
        self._stop = threading.Event()
        self._since = time.monotonic()
        self._phase = ""
        self._found: Any = None
        self._error = ""

    @property
    def tuner(self) -> TunerApp:
        """The app, typed."""
        return cast("TunerApp", self.app)

    def key_word(self, name: str) -> str | None:
        """Enter decides here."""
        return "keys.decide" if name == "accept" else None

    def compose(self) -> ComposeResult:
        """Stages, verdict, what can be done."""
        with Vertical(classes="dialog"):
            yield Say("rehearse.title", id="title")
            yield Say("rehearse.why", classes="muted")
            with VerticalScroll(can_focus=False):
                yield Plain(id="stages")
            yield Answers("rehearse", "rehearse.do", ("skip", "back"))
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin, and say how long it has been going on."""
        self.query_one(Answers).focus()
        self._ticking = self.set_interval(TICK_S, self.retranslate)
        self._rehearse()
        self.retranslate()

    def on_unmount(self) -> None:
        """Nothing goes on behind a closed window."""
        self._stop.set()

    # -- measuring ---------------------------------------------------------------------------------------------

    @work(thread=True, exclusive=True, group="rehearse", exit_on_error=False)
    def _rehearse(self) -> None:
        found, error, worker = None, "", get_current_worker()
        try:
            rehearsing = self.tuner.outside.rehearsing(self._recipe)
            while (found := rehearsing.look()) is None:
                if self._stop.is_set() or worker.is_cancelled:
                    rehearsing.close()
                    return
                self._phase = rehearsing.phase()
                self._stop.wait(LOOK_S)
        except InputError as wrong:
            error = wrong.text(self.tuner.lang)
        except Exception as wrong:  # what a rehearsal did not foresee must not take the app with it
            error = str(wrong) if isinstance(wrong, Unavailable) else f"{type(wrong).__name__}: {wrong}"
        self.post_message(self.Over(found, error))

    def on_rehearse_screen_over(self, event: Over) -> None:
        """Measured: what fits goes on, what does not waits for a decision."""
        self._ticking.stop()
        self._found, self._error = event.found, event.error or self._failure(event.found)
        if self._fits and self._then_start:
            self.dismiss(Decided(True, {}, self._found))
            return
        choices = ("start", "back") if self._fits else ("accept", "back") if self._change else ("back",)
        self.query_one(Answers).ask("rehearse", "rehearse.do", choices, False, ())
        self.retranslate()

    @staticmethod
    def _failure(found: Any) -> str:
        return found.text or "?" if found is not None and found.peak_bytes is None else ""

    @property
    def _fits(self) -> bool:
        return self._found is not None and self._found.fits

    @property
    def _change(self) -> dict[str, Any]:
        return (self._found.change or {}) if self._found is not None else {}

    # -- words -------------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Everything that is known by now."""
        parts = self._measured() if self._found is not None and not self._error else []
        self.query_one("#stages", Plain).show(Content.assemble(*parts, *self._verdict()))

    def _measured(self) -> list[Content | tuple[str, str]]:
        return measured(self._found, self.tuner.say, ascii_only=self.tuner.settings.ascii)

    def _verdict(self) -> list[tuple[str, str]]:
        say = self.tuner.say
        if self._error:
            return [(say("rehearse.failed", why=clean(self._error, 600)), "$error")]
        if self._found is None:
            key = f"runs.phase.{self._phase}"
            phase = say(key) if self._phase and self.query_one(Answers).knows(key) else say("rehearse.begins")
            took = duration(time.monotonic() - self._since)
            then = say("rehearse.then_start") if self._then_start else ""
            return [(f"{phase} · {took}\n", "bold"), (then, "$text-muted")]
        if self._fits:
            return [(say("runs.rehearse.fits"), "bold $success")]
        key = "rehearse.too_long" if "train.max_length" in self._change else "rehearse.too_big"
        return [(say(key, changes=changes_in_words(self._change)), "bold $warning")]

    # -- keys --------------------------------------------------------------------------------------------------

    def on_answers_accepted(self) -> None:
        """Enter decides."""
        chosen = self.query_one(Answers).chosen
        choice = chosen[0] if chosen else "back"
        if choice == "back":
            self.action_cancel()
        else:
            self.dismiss(Decided(True, self._change if choice == "accept" else {}, self._found))

    def action_cancel(self) -> None:
        """Back to the plan; nothing is started."""
        self.dismiss(Decided(False, {}, self._found if self._fits else None))


def changes_in_words(change: dict[str, Any]) -> str:
    """`train.micro_batch = 2, train.grad_ckpt = true`."""
    return ", ".join(f"{key} = {str(value).lower()}" for key, value in change.items())


def measured(found: Any, say: Any, *, ascii_only: bool) -> list[Content | tuple[str, str]]:
    """A line a stage: peak as a bar with the estimate as its mark, in numbers, and its seconds; then both in words."""
    estimate = found.estimate_bytes
    most = max(found.peak_bytes, estimate or 0)
    parts: list[Content | tuple[str, str]] = []
    for stage in found.stages:
        over = estimate is not None and stage.peak_bytes > estimate
        drawn = bar(
            stage.peak_bytes / most,
            BAR,
            "$warning" if over else "$curve-1",
            mark=estimate / most if estimate else None,
            ascii_only=ascii_only,
        )
        parts += [
            (set_cell_size(say(f"runs.rehearse.{stage.name}"), 20), "$text-muted"),
            drawn,
            (f" {stage.peak_bytes / GIB:7.2f} GiB {stage.seconds:7.2f} s\n", ""),
        ]
    where = "runs.rehearse.gpu" if found.device == "cuda" else "runs.rehearse.host"
    parts.append((say(where, gib=f"{found.peak_bytes / GIB:.2f}") + "\n", ""))
    if estimate is not None:
        ratio = f"{found.peak_bytes / estimate:.2f}"
        parts.append((say("runs.rehearse.estimate", gib=f"{estimate / GIB:.2f}", ratio=ratio) + "\n", ""))
    else:
        parts.append((say("rehearse.no_estimate") + "\n", "$text-muted"))
    return [*parts, ("\n", "")]
