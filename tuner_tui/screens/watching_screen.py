"""Watching a run and acting on it, without a word on how it looks: looks come from a thread, acts go to the run.

Nothing here waits for the run's process; a look that belongs to a watcher that was let go is passed over.
"""

from __future__ import annotations

import threading
from typing import Any

from textual import on, work
from textual.message import Message
from textual.worker import get_current_worker

from advisor.errors import InputError
from tuner_tui.outside import Unavailable
from tuner_tui.replaying import Replay
from tuner_tui.runs.actions import begins_anew, is_safe
from tuner_tui.runs.state import RunState
from tuner_tui.safe import clean
from tuner_tui.screens.step import StepScreen
from tuner_tui.screens.sure import SureScreen
from tuner_tui.watching import Look, Watching
from tuner_tui.widgets import plot
from tuner_tui.widgets.coach_line import told

LOOK_S = 0.2
LONG_POLL = 20_000


class WatchingScreen(StepScreen):
    """A step that watches the run `_run_id`. Subclasses draw: `looked`, `turned`, `heard`."""

    class Looked(Message):
        """A look found news of a run."""

        def __init__(self, watching: Watching | Replay, look: Look) -> None:
            self.watching, self.look = watching, look
            super().__init__()

    class LaidOver(Message):
        """The losses of another run were read."""

        def __init__(self, run_id: str, points: tuple[plot.Point, ...]) -> None:
            self.run_id, self.points = run_id, points
            super().__init__()

    class Lost(Message):
        """The run cannot be read, or a wish for it cannot be granted."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    def __init__(self) -> None:
        super().__init__()
        self._watching: Watching | Replay | None = None
        self._now: Look | None = None
        self._run_id: str | None = None
        self._wake = threading.Event()
        self._one_looks = threading.Lock()
        self._findings: list[dict[str, Any]] = []
        self._then: str | None = None
        self._replaying = False

    def looked(self, before: Look | None, look: Look) -> None:
        """Draw what a look found."""
        raise NotImplementedError

    def turned(self) -> None:
        """Another run, or the same from its start: what was drawn is history."""
        raise NotImplementedError

    def heard(self) -> None:
        """The coach's findings changed."""
        raise NotImplementedError

    # -- looking -----------------------------------------------------------------------------------------------

    def attend(self, run_id: str | None) -> None:
        """Watch this run from now on, as long as the screen is seen."""
        if self._watching is not None:
            self._watching.lang = self.tuner.lang
        if run_id != self._run_id:
            self._turn_to(run_id, replaying=False)
        if run_id is not None:
            self._wake.clear()
            self._watch(run_id)

    def on_screen_suspend(self) -> None:
        """Nobody looks: nothing is read."""
        self._let_go()

    def on_unmount(self) -> None:
        """The thread ends with the screen."""
        self._wake.set()

    def _let_go(self) -> None:
        self._wake.set()
        self.workers.cancel_group(self, "watch")

    def _turn_to(self, run_id: str | None, *, replaying: bool) -> None:
        self._let_go()
        self._run_id, self._watching, self._now = run_id, None, None
        self._findings, self._then, self._replaying = [], None, replaying
        self._wake = threading.Event()
        self.turned()

    @work(thread=True, exclusive=True, group="watch", exit_on_error=False)
    def _watch(self, run_id: str) -> None:
        worker, wake = get_current_worker(), self._wake
        try:
            opened = self._watching or self._open(run_id)
            while not wake.is_set():
                with self._one_looks:
                    if worker.is_cancelled or wake is not self._wake:
                        return
                    # Another worker may have opened it meanwhile: one watcher a run, or looks would be lost.
                    watching = self._watching = self._watching or opened
                    look = watching.look()
                if look is not None:
                    self.post_message(self.Looked(watching, look))
                wake.wait(LOOK_S)
        except (InputError, Unavailable) as error:
            self.post_message(self.Lost(self._words_of(error)))
        except Exception as error:  # a log that nobody foresaw must be told, not take the app with it
            self.post_message(self.Lost(f"{type(error).__name__}: {error}"))

    def _open(self, run_id: str) -> Watching | Replay:
        outside = self.tuner.outside
        run = outside.find_run(run_id)
        return Replay(run, self.tuner.lang) if self._replaying else Watching(run, self.tuner.lang, outside.predict)

    def _words_of(self, error: Exception) -> str:
        return error.text(self.tuner.lang) if isinstance(error, InputError) else str(error)

    @on(Looked)
    def _looked(self, event: Looked) -> None:
        if event.watching is not self._watching:
            return
        before, self._now = self._now, event.look
        if event.look.anew:
            self._findings = []
        self._hear(event.look)
        self.looked(before, event.look)

    @on(Lost)
    def _lost(self, event: Lost) -> None:
        self.notice(clean(event.text, 600), "bad")

    def _hear(self, look: Look) -> None:
        """The coach's findings; and what was to be done once the run had stopped."""
        found = [entry for entry in look.entries if isinstance(entry, dict) and entry["t"] == "coach"]
        if found:
            self._findings += found
            self.heard()
        if look.state.ended and self._then is not None and self._run_id is not None:
            action, self._then = self._then, None
            if begins_anew(action):
                self._begin_anew(self._run_id, action)

    # -- acting ------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done now."""
        state = self._now.state if self._now and not self._replaying else None
        if action == "stop":
            return state is not None and state.live
        if action == "resume":
            return state in (RunState.STOPPED, RunState.FAILED, RunState.CRASHED)
        if action == "coach":
            return state is not None and bool(self._findings) and is_safe(self._findings[-1].get("action"))
        if action == "replay":
            return self._replaying or (state is not None and state.ended)
        return super().check_action(action, parameters)

    def action_stop(self) -> None:
        """Ask it to stop; again: harder."""
        if not isinstance(self._watching, Watching):
            return
        try:
            self._watching.stop()
        except InputError as error:
            self.notice(error.text(self.tuner.lang), "bad")

    def action_resume(self) -> None:
        """Go on from the last checkpoint."""
        if self._run_id is not None:
            self._resume(self._run_id)

    @work(thread=True, exclusive=True, group="resume", exit_on_error=False)
    def _resume(self, run_id: str) -> None:
        try:
            self.tuner.outside.resume(self.tuner.outside.find_run(run_id))
            if isinstance(self._watching, Watching):
                self._watching.resumed()
        except (InputError, Unavailable, OSError) as error:
            self.post_message(self.Lost(self._words_of(error)))

    def action_coach(self) -> None:
        """Do what the coach proposes, after asking."""
        if self._findings:
            name, _, what = told(self._findings[-1], self.tuner.lang)
            self.app.push_screen(SureScreen("coach_ask", ("do", "stay"), situation=name, what=what), self._coached)

    def _coached(self, choice: str | None) -> None:
        if choice != "do" or not self._findings or self._now is None or self._run_id is None:
            return
        action = str(self._findings[-1].get("action"))
        self._findings = []
        self.heard()
        if self._now.state.live:
            self._then = action
            self.action_stop()
        elif begins_anew(action):
            self._begin_anew(self._run_id, action)

    @work(thread=True, exclusive=True, group="anew", exit_on_error=False)
    def _begin_anew(self, run_id: str, action: str) -> None:
        try:
            made = self.tuner.outside.begin_anew(self.tuner.outside.find_run(run_id), action)
        except (InputError, Unavailable, OSError) as error:
            self.post_message(self.Lost(self._words_of(error)))
        else:
            self.app.call_from_thread(self.tuner.open_run, made.id)

    def action_replay(self) -> None:
        """Tell the ended run again, faster; once more: back to how it ended."""
        if self._run_id is not None:
            self._turn_to(self._run_id, replaying=not self._replaying)
            self._watch(self._run_id)

    @work(thread=True, group="over", exit_on_error=False)
    def lay_over(self, run_id: str) -> None:
        """Read the losses of another run; LaidOver brings them."""
        try:
            watch = self.tuner.outside.watch(self.tuner.outside.find_run(run_id))
            while watch.poll(LONG_POLL):
                pass
            watch.close()
        except (InputError, Unavailable, OSError) as error:
            self.post_message(self.Lost(self._words_of(error)))
        else:
            self.post_message(self.LaidOver(run_id, tuple(plot.smooth(watch.view.losses))))
