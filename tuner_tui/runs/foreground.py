"""Whoever follows a run only watches it: an interrupt asks it to stop, and kills it only when asked again."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from advisor.words import Words
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.identity import alive
from tuner_tui.runs.progress import Progress
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import GRACE_S, Rung, Standing, StopLadder
from tuner_tui.runs.watch import RunWatch

POLL_S = 0.2
LEAVING_S = 30.0
COUNTDOWN_S = 5.0

Tell = Callable[[str], None]


class Interrupts:
    """Counts Ctrl-C instead of raising, so that nothing is torn in the middle."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


@contextmanager
def counted_interrupts() -> Iterator[Interrupts]:
    """Ctrl-C is counted inside the block; the way it was handled before comes back after it."""
    interrupts = Interrupts()
    before = signal.signal(signal.SIGINT, interrupts)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def follow(run: RunDir, interrupts: Interrupts, words: Words, tell: Tell) -> RunState:
    """Tell the run's progress until it has ended. The first Ctrl-C stops it cleanly, each further one hurries."""
    watch, progress = RunWatch(run), Progress(words)
    countdown: Countdown | None = None
    heeded = 0
    try:
        while True:
            state = state_of(run)
            _tell_all(watch, progress, tell)
            if interrupts.count > heeded:
                countdown = countdown or Countdown(run, words, tell)
                countdown.hurry(interrupts.count - heeded - (1 if heeded == 0 else 0))
                heeded = interrupts.count
            gone = countdown is not None and countdown.look() is Rung.GONE
            if state.ended or state is RunState.QUEUED or gone:
                break
            time.sleep(POLL_S)
        _wait_gone(run)
        _tell_all(watch, progress, tell)
    finally:
        watch.close()
    return state_of(run)


class Countdown:
    """A stop in progress, told as it goes: which rung, and how long until the next."""

    def __init__(self, run: RunDir, words: Words, tell: Tell, grace_s: tuple[float, float, float] = GRACE_S) -> None:
        self._ladder = StopLadder(run, grace_s=grace_s)
        self._words = words
        self._tell = tell
        self._told: Standing | None = None

    def hurry(self, times: int) -> None:
        """Go up so many rungs at once."""
        for _ in range(times):
            self._ladder.hurry()

    def look(self) -> Rung:
        """Climb, and tell when there is news."""
        standing = self._ladder.climb()
        if self._is_news(standing):
            self._told = standing
            self._tell(self._words.say(f"runs.stop.{standing.rung}", left_s=round(standing.left_s)))
        return standing.rung

    @property
    def overdue(self) -> bool:
        """Whether even SIGKILL has not ended it in its time (the kernel holds the process)."""
        return self._ladder.climb().rung is Rung.KILLED and self._ladder.climb().left_s <= 0

    def _is_news(self, standing: Standing) -> bool:
        if standing.rung is Rung.GONE:
            return False
        told = self._told
        return told is None or told.rung is not standing.rung or told.left_s - standing.left_s >= COUNTDOWN_S


def _tell_all(watch: RunWatch, progress: Progress, tell: Tell) -> None:
    while True:
        events = watch.poll()
        for line in progress.lines(events, watch.view):
            tell(line)
        if not watch.follower.behind:
            return


def _wait_gone(run: RunDir) -> None:
    """The last event comes a moment before the process lets go of its memory."""
    info = run.info()
    until = time.monotonic() + LEAVING_S
    while info is not None and info.identity is not None and alive(info.identity) and time.monotonic() < until:
        time.sleep(POLL_S / 4)
