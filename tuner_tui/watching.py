"""One person watches one run: looks are taken off the interface's thread, and each says all that is true by then.

A look never blocks on the run's process; that the process died is read from the process itself.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from advisor.errors import InputError
from advisor.recipe import Recipe, decode_recipe
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.follow import Event
from tuner_tui.runs.outcome import outcome_of, tell
from tuner_tui.runs.output import Output
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import Rung, Standing, StopLadder
from tuner_tui.runs.view import RunView
from tuner_tui.runs.watch import RunWatch
from tuner_tui.words import words

STATE_EVERY_S = 1.0
BATCH = 2000
# Steps between two looks before the pace that the clock shows is trusted.
PACE_STEPS = 5

Entry = Event | str
"""A line of the log: an event worth telling, or a printed line."""

Predict = Callable[[Recipe, float | None], Any]
"""GPU memory computed from the recipe and billions of parameters: low, likely, high in GiB."""


class Span(NamedTuple):
    """Seconds from the sooner to the later of two computations."""

    low: float
    high: float


class Look(NamedTuple):
    """What one look found. `entries` are new; `ending` says in words how it ended, () while it goes on."""

    view: RunView
    state: RunState
    entries: tuple[Entry, ...]
    anew: bool
    sampled: bool
    eta: Span | None
    standing: Standing | None
    ending: tuple[str, ...]
    success: bool
    predicted: Any = None


class Watching:
    """Attach to a run; call `look` from one thread; `stop` and `hurry` may be called from any."""

    def __init__(
        self,
        run: RunDir,
        lang: str,
        predict: Predict | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.run = run
        self._predict = predict
        self._predicted: Any = None
        self.lang = lang
        self._clock = clock
        self._watch = RunWatch(run)
        self._output = Output(run)
        self._ladder: StopLadder | None = None
        self._state: RunState | None = None
        self._state_at = float("-inf")
        self._pace: tuple[int, float] | None = None
        self._told: tuple[str, RunState] | None = None
        self._ending: tuple[str, ...] = ()
        self._success = False
        self._replaced = 0
        self._last: tuple[Any, ...] | None = None

    def look(self) -> Look | None:
        """What is true now; None when nothing changed since the last look."""
        entries: list[Entry] = []
        while True:
            events = self._watch.poll(BATCH)
            entries += [event for event in events if event["t"] not in ("step", "gpu", "sample")]
            if not self._watch.follower.behind:
                break
        # On attaching, what was printed is older than what was told last.
        entries = [*self._output.poll(), *entries]
        standing = self._climb()
        state = self._state_now(bool(entries))
        self._tell_ending(state)
        anew = self._watch.follower.replaced != self._replaced
        self._replaced = self._watch.follower.replaced
        seen = (self._watch.view, state, standing and (standing.rung, round(standing.left_s)), self._ending)
        if not entries and not anew and seen == self._last:
            return None
        self._last = seen
        view = self._watch.view
        eta, sampled = self._eta(view), self._watch.sampled
        ending, predicted = self._ending, self._foreseen(view)
        return Look(view, state, tuple(entries), anew, sampled, eta, standing, ending, self._success, predicted)

    def stop(self) -> None:
        """Ask for a stop; asked again, a rung harder. InputError when the run is not ours to stop."""
        if self._ladder is None:
            self._ladder = StopLadder(self.run)
        else:
            self._ladder.hurry()

    def resumed(self) -> None:
        """A new attempt was started: what was said of the end is history."""
        self._ladder, self._told, self._ending, self._pace = None, None, (), None
        self._state_at = float("-inf")

    def close(self) -> None:
        """Let go of the log."""
        self._watch.close()

    def _climb(self) -> Standing | None:
        if self._ladder is None:
            return None
        standing = self._ladder.climb()
        if standing.rung is Rung.GONE:
            self._ladder = None
            self._state_at = float("-inf")
            return None
        return standing

    def _state_now(self, news: bool) -> RunState:
        now = self._clock()
        ended = news and self._watch.view.exit_reason is not None
        if self._state is None or ended or now - self._state_at >= STATE_EVERY_S:
            self._state, self._state_at = state_of(self.run), now
        return self._state

    def _tell_ending(self, state: RunState) -> None:
        if not state.ended:
            self._ending, self._told, self._success = (), None, False
        elif self._told != (self.lang, state):
            outcome = outcome_of(self.run)
            self._ending = tuple(tell(self.run, outcome, words(self.lang)))
            self._success = outcome.success
            self._told = (self.lang, state)

    def _foreseen(self, view: RunView) -> Any:
        """Computed once, when there is a GPU to compare it with."""
        if self._predict is None or view.parameters is None:
            return self._predicted
        if any(reading.source == "nvml" for reading in view.gpus.values()):
            predict, self._predict = self._predict, None
            with contextlib.suppress(InputError, OSError, RuntimeError):
                recipe = decode_recipe(self.run.recipe_path.read_bytes(), self.run.recipe_path.name)
                self._predicted = predict(recipe, view.parameters / 1e9)
        return self._predicted

    def _eta(self, view: RunView) -> Span | None:
        """Steps left at the steps' own pace, and at the clock's, which counts evaluation and saving too."""
        if view.eta_s is None or view.total is None or view.updated is None:
            return None
        if self._pace is None or view.step < self._pace[0]:
            self._pace = (view.step, view.updated)
        steps = view.step - self._pace[0]
        clock = (view.updated - self._pace[1]) / steps * (view.total - view.step) if steps >= PACE_STEPS else view.eta_s
        return Span(min(view.eta_s, clock), max(view.eta_s, clock))
