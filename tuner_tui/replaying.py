"""A run that has ended is told again, faster: the same events in the same order, the clock alone is ours."""

from __future__ import annotations

import time
from collections.abc import Callable

from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.follow import Event, Follower
from tuner_tui.runs.state import RunState
from tuner_tui.runs.view import RunView, fold, number
from tuner_tui.watching import Entry, Look

LENGTH_S = 30.0
MAX_EVENTS = 200_000


class Replay:
    """Looks at a run as if it happened now, `speed` times as fast (None: so that it takes LENGTH_S)."""

    def __init__(
        self, run: RunDir, lang: str, speed: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.run, self.lang = run, lang
        self._clock = clock
        self._events = _all(run)
        self._times = _times(self._events)
        span = self._times[-1] if self._times else 0.0
        self.speed = speed or max(1.0, span / LENGTH_S)
        self._began = clock()
        self._at = 0
        self._view = RunView(id=run.id)

    @property
    def over(self) -> bool:
        """Whether everything was told."""
        return self._at >= len(self._events)

    def look(self) -> Look | None:
        """What had happened by now; None when nothing did since the last look."""
        until = (self._clock() - self._began) * self.speed
        first = self._at
        while self._at < len(self._events) and self._times[self._at] <= until:
            self._at += 1
        if self._at == first:
            return None
        fresh = self._events[first : self._at]
        self._view = fold(self._view, fresh)
        told: tuple[Entry, ...] = tuple(event for event in fresh if event["t"] not in ("step", "gpu", "sample"))
        state = RunState.FINISHED if self.over else RunState.RUNNING
        return Look(self._view, state, told, first == 0, False, None, None, (), False)

    def close(self) -> None:
        """Nothing is held open."""


def _all(run: RunDir) -> list[Event]:
    follower = Follower(run.events_path)
    events: list[Event] = []
    try:
        while len(events) < MAX_EVENTS and (batch := follower.poll()):
            events += batch
    finally:
        follower.close()
    return events


def _times(events: list[Event]) -> list[float]:
    """Seconds since the first event, never going back; pauses of a resumed run count as a second at most."""
    times: list[float] = []
    now, last = 0.0, None
    for event in events:
        at = number(event, "at")
        if at is not None:
            if last is not None:
                gap = max(0.0, at - last)
                now += min(gap, 1.0) if event["t"] == "start" else gap
            last = at
        times.append(now)
    return times
