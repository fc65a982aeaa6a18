"""Stopping is a ladder: ask by a file, then SIGTERM, then SIGKILL, and only ever the process that we started."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from enum import StrEnum

import msgspec

from advisor.errors import InputError
from tuner_tui.runs.directory import RunDir, refuse_foreign
from tuner_tui.runs.events import EventKind, EventWriter, ExitReason
from tuner_tui.runs.identity import alive, elsewhere, send
from tuner_tui.runs.locks import is_written
from tuner_tui.runs.state import RunState, state_of

GRACE_S = (90.0, 45.0, 10.0)


class Rung(StrEnum):
    """How hard the run is being asked."""

    ASKED = "asked"
    TERMINATED = "terminated"
    KILLED = "killed"
    GONE = "gone"


class Standing(msgspec.Struct, frozen=True):
    """Where the ladder stands; `left_s` seconds until the next rung, 0 at the last."""

    rung: Rung
    left_s: float


class StopLadder:
    """One stop of one run. Call `climb` often (it never waits); it moves on by the clock, or at once by `hurry`.

    `grace_s`: seconds that each rung is given before the next.
    """

    def __init__(
        self,
        run: RunDir,
        *,
        grace_s: tuple[float, float, float] = GRACE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        refuse_foreign(run)
        info = run.info()
        self._run = run
        self._who = info.identity if info else None
        if self._who is not None and elsewhere(self._who):
            raise InputError("runs.elsewhere", run=run.id, host=self._who.host)
        self._grace_s = grace_s
        self._clock = clock
        self._rung = Rung.ASKED
        self._since = clock()
        self._signal: signal.Signals | None = None
        ask(run)

    def climb(self) -> Standing:
        """Look at the process and, when its time on this rung is over, go up one."""
        if self._who is None and is_written(self._run.events_path):
            return Standing(Rung.ASKED, 0.0)  # its record is lost: it hears the file, and nobody else may be hit
        if self._who is None or not alive(self._who):
            self._settle()
            return Standing(Rung.GONE, 0.0)
        left_s = self._left_s()
        if left_s <= 0 and self._rung is not Rung.KILLED:
            self.hurry()
            left_s = self._left_s()
        return Standing(self._rung, max(0.0, left_s))

    def hurry(self) -> None:
        """Go up one rung now."""
        if self._who is None or self._rung is Rung.KILLED:
            return
        self._signal = signal.SIGTERM if self._rung is Rung.ASKED else signal.SIGKILL
        self._rung = Rung.TERMINATED if self._rung is Rung.ASKED else Rung.KILLED
        self._since = self._clock()
        send(self._who, self._signal)

    def _left_s(self) -> float:
        at = (Rung.ASKED, Rung.TERMINATED, Rung.KILLED).index(self._rung)
        return self._grace_s[at] - (self._clock() - self._since)

    def _settle(self) -> None:
        """A process that our own signal ended could not say so itself: say it for it."""
        if self._signal is None or state_of(self._run) is not RunState.CRASHED:
            return
        with EventWriter(self._run.events_path) as events:
            events.emit(EventKind.EXIT, reason=ExitReason.STOPPED.value, code=-self._signal, text=self._signal.name)


def ask(run: RunDir) -> None:
    """Leave the stop file; the child looks for it each step, saves a checkpoint and ends."""
    fd = os.open(run.stop_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    os.close(fd)
