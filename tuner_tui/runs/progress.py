"""Progress is told in few lines: every change of phase, every score and checkpoint, and steps now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from advisor.words import Words
from tuner_tui.runs.coach import say_again
from tuner_tui.runs.follow import Event
from tuner_tui.runs.rehearsed import Rehearsal
from tuner_tui.runs.view import RunView, integer, number, text
from tuner_tui.safe import clean

EVERY_S = 3.0
GIB = 2**30


class Progress:
    """Turns batches of events into lines for a person."""

    def __init__(self, words: Words, clock: Callable[[], float] = time.monotonic) -> None:
        self._words = words
        self._clock = clock
        self._told_at = float("-inf")
        self._kinds = {
            "phase": self._phase,
            "eval": self._eval,
            "checkpoint": self._checkpoint,
            "warn": self._note,
            "coach": self._coach,
            "rehearsal": self._rehearsal,
        }

    def lines(self, events: list[Event], view: RunView) -> list[str]:
        """The lines that these events are worth; `view` is the view after them."""
        told = [line for event in events if (line := self._line(event))]
        stepped = any(event["t"] == "step" for event in events)
        if stepped and (self._clock() - self._told_at >= EVERY_S or view.step == view.total):
            self._told_at = self._clock()
            told.append(self._step(view))
            if view.ranks:
                told.append(self._ranks(view))
        return told

    def _line(self, event: Event) -> str | None:
        tell = self._kinds.get(event["t"])
        return tell(event) if tell else None

    def _phase(self, event: Event) -> str | None:
        name = text(event, "name", 40)
        key = f"runs.phase.{name}"
        return self._words.say(key) if self._words.has(key) else name

    def _step(self, view: RunView) -> str:
        return self._words.say(
            "runs.step",
            step=view.step,
            total="?" if view.total is None else view.total,
            loss=shown(view.loss, 4),
            rate=shown(view.tokens_per_s, 0),
            eta=duration(view.eta_s),
        )

    def _ranks(self, view: RunView) -> str:
        """Every process on one line."""
        each = [
            self._words.say(
                "runs.rank",
                rank=one.rank,
                rate=shown(one.tokens_per_s, 0),
                held=shown(None if one.bytes is None else one.bytes / 2**30, 2),
            )
            for one in view.ranks
        ]
        return self._words.say("runs.ranks", ranks=" · ".join(each))

    def _eval(self, event: Event) -> str:
        when = event.get("when")
        if when not in ("before", "after"):
            return self._words.say("runs.eval", step=integer(event, "step"), loss=shown(number(event, "loss"), 4))
        return self._words.say(
            f"runs.score.{when}",
            metric=self._words.metric(text(event, "metric", 60) or "?"),
            score=shown(number(event, "score"), 3),
            low=shown(number(event, "low"), 3),
            high=shown(number(event, "high"), 3),
            items=integer(event, "items") or "?",
        )

    def _checkpoint(self, event: Event) -> str:
        return self._words.say("runs.checkpoint", step=integer(event, "step"))

    def _rehearsal(self, event: Event) -> str | None:
        try:
            return "\n".join(rehearsal_lines(msgspec.convert(event, Rehearsal), self._words))
        except msgspec.ValidationError:
            return None

    def _coach(self, event: Event) -> str | None:
        said = say_again(event, self._words)
        return self._words.say("runs.coach.says", text=said) if said else None

    def _note(self, event: Event) -> str | None:
        words = text(event, "text", 400)
        return self._words.say("runs.note", text=words) if words else None


def rehearsal_lines(found: Rehearsal, words: Words) -> list[str]:
    """The peak of every stage, then the peak of all against the estimate, where there is one."""
    lines = [
        words.say(
            "runs.rehearse.stage",
            name=clean(words.say(key) if words.has(key := f"runs.rehearse.{stage.name}") else stage.name, 40),
            gib=f"{stage.peak_bytes / GIB:.2f}",
            seconds=f"{stage.seconds:.2f}",
        )
        for stage in found.stages
    ]
    where = "runs.rehearse.gpu" if found.device == "cuda" else "runs.rehearse.host"
    lines.append(words.say(where, gib=f"{found.peak_bytes / GIB:.2f}"))
    if found.estimate_bytes:
        ratio = f"{found.peak_bytes / found.estimate_bytes:.2f}"
        lines.append(words.say("runs.rehearse.estimate", gib=f"{found.estimate_bytes / GIB:.2f}", ratio=ratio))
    return lines


def shown(value: float | None, digits: int) -> str:
    """A number for a person; `-` when it is not known or was not finite."""
    return "-" if value is None else f"{value:,.{digits}f}"


def duration(seconds: float | None) -> str:
    """Seconds as m:ss or h:mm:ss; `-` when not known."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
