"""The coach hears every event once, speaks once of each thing that is wrong, and never disturbs the run."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import advisor.coach
from advisor.coach import Answer, Finding, Load, Telemetry
from advisor.errors import InputError
from advisor.recipe import Recipe, decode_recipe
from advisor.words import Words
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.events import EventKind, EventWriter
from tuner_tui.runs.follow import Event
from tuner_tui.runs.overview import history
from tuner_tui.runs.series import Points
from tuner_tui.runs.view import RunView, Score, fold, integer, number, text
from tuner_tui.safe import clean

LOOKS = 50
EVERY_STEPS = 5
DISK_S = 10.0
MAX_KEPT = 2000
MAX_ANSWERS = 64
PENDING = 500


class Coach:
    """Judges a run by its events. The same events give the same findings, live or replayed.

    It looks about `LOOKS` times in a run, and at every evaluation, set of samples and end. `deadline_s` counts when the
    log itself names none.
    """

    def __init__(self, *, deadline_s: float | None = None) -> None:
        self.view = RunView()
        self._deadline_s = self._given_deadline_s = deadline_s
        self._stage: int | None = None
        self._after = 0
        self._pending: list[Event] = []
        self._loads: list[Load] = []
        self._step_s: list[tuple[float, float | None]] = []
        self._waits: list[tuple[float, float | None]] = []
        self._free: list[tuple[float, float | None]] = []
        self._answers: list[Answer] = []
        self._checkpoint_bytes: float | None = None
        self._looked_at = 0
        self._told: set[str] = set()
        self.findings: list[Finding] = []

    def take(self, event: Event) -> list[Finding]:
        """Hear one event; what is found wrong for the first time in this attempt."""
        kind = event.get("t")
        if kind == "start":
            self._begin(event)
        self._pending.append(event)
        hear = _HEAR.get(str(kind))
        if hear is not None:
            hear(self, event)
        if self._is_time(kind, event):
            return self._look()
        if len(self._pending) >= PENDING:
            self._fold()
        return []

    def take_all(self, events: Iterable[Event]) -> list[Finding]:
        """Hear many events."""
        return [finding for event in events for finding in self.take(event)]

    def _begin(self, event: Event) -> None:
        """A new attempt may be wrong in the same way again."""
        self._deadline_s = number(event, "deadline_s") or self._given_deadline_s
        stage = integer(event, "stage")
        if stage != self._stage:
            # Another stage has another loss: its numbers are not to be compared with those before.
            self._fold()
            self._stage, self._after = stage, self.view.step
            self._answers.clear()
        self._told.clear()
        self._loads.clear()
        self._step_s.clear()
        self._waits.clear()
        self._free.clear()
        self._looked_at = 0

    def _is_time(self, kind: Any, event: Event) -> bool:
        if kind in ("exit", "disk") or (kind == "eval" and event.get("when") is None):
            return True
        if kind == "step":
            step = integer(event, "step") or 0
            total = integer(event, "total") or 0
            first = bool(event.get("nonfinite")) and "COA001" not in self._told
            if first or abs(step - self._looked_at) >= max(EVERY_STEPS, total // LOOKS):
                self._looked_at = step
                return True
        return kind in ("phase", "checkpoint") and bool(self._answers)

    def _look(self) -> list[Finding]:
        self._fold()
        found = [finding for finding in advisor.coach.judge(self.telemetry()) if finding.id not in self._told]
        self._told.update(finding.id for finding in found)
        self.findings += found
        return found

    def _fold(self) -> None:
        self.view = fold(self.view, self._pending)
        self._pending = []

    def telemetry(self) -> Telemetry:
        """What the rules look at."""
        view = self.view
        elapsed = view.updated - view.started if view.updated is not None and view.started is not None else None
        return Telemetry(
            step=view.step,
            total=view.total,
            objective=view.objective,
            technique=view.technique,
            parameters=view.parameters,
            optimizer=view.optimizer,
            exit_reason=view.exit_reason,
            losses=self._of_stage(view.losses),
            eval_losses=self._of_stage(view.eval_losses),
            rates=self._of_stage(view.learning_rates),
            grad_norms=self._of_stage(view.grad_norms),
            extras={name.replace("/", "_"): self._of_stage(found) for name, found in view.extras.items()},
            step_s=tuple(self._step_s),
            waits=tuple(self._waits),
            answers=tuple(self._answers),
            score_before=_span(view.scores.get("before")),
            score_after=_span(view.scores.get("after")),
            wanted_before=before.loss if (before := view.scores.get("before")) else None,
            wanted_after=after.loss if (after := view.scores.get("after")) else None,
            loads=tuple(self._loads),
            free_disk=tuple(self._free),
            checkpoint_bytes=self._checkpoint_bytes,
            elapsed_s=elapsed,
            eta_s=view.eta_s,
            deadline_s=self._deadline_s,
        )

    def _of_stage(self, points: Points) -> Points:
        return tuple(point for point in points if point[0] > self._after) if self._after else points

    def _hear_step(self, event: Event) -> None:
        step = integer(event, "step") or 0
        _keep(self._step_s, (step, number(event, "step_s")))
        _keep(self._waits, (step, number(event, "data_s")))

    def _hear_gpu(self, event: Event) -> None:
        at = number(event, "at")
        if at is None or not self._step_s:
            return
        held = number(event, "process_bytes")
        load = Load(
            at=at,
            device=text(event, "device", 40),
            source=text(event, "source", 20),
            util_pct=number(event, "util_pct"),
            temp_c=number(event, "temp_c"),
            held_bytes=held if held is not None else number(event, "used_bytes"),
            total_bytes=number(event, "total_bytes"),
        )
        _keep(self._loads, load)

    def _hear_disk(self, event: Event) -> None:
        at, needed = number(event, "at"), number(event, "checkpoint_bytes")
        if at is not None:
            _keep(self._free, (at, number(event, "free_bytes")))
        self._checkpoint_bytes = needed or self._checkpoint_bytes

    def _hear_sample(self, event: Event) -> None:
        ended = event.get("ended")
        self._answers.append(
            Answer(
                step=integer(event, "step") or 0,
                text=text(event, "text", lines=True) or "",
                reference=text(event, "reference", lines=True),
                ended=ended if isinstance(ended, bool) else None,
            )
        )
        del self._answers[:-MAX_ANSWERS]


_HEAR = {
    "step": Coach._hear_step,
    "gpu": Coach._hear_gpu,
    "disk": Coach._hear_disk,
    "sample": Coach._hear_sample,
}


def _span(found: Score | None) -> tuple[float, float] | None:
    """The interval of a score of which more is better."""
    if found is None or found.metric in (None, "loss") or found.low is None or found.high is None:
        return None
    return found.low, found.high


def _keep(kept: list[Any], one: Any) -> None:
    """Append; when there are too many, every other one goes."""
    kept.append(one)
    if len(kept) > MAX_KEPT:
        del kept[::2]


def say(finding: Finding, words: Words) -> str:
    """A finding in words, its evidence filled in."""
    rule = advisor.coach.BY_ID[finding.id]
    return words.say(f"coach.{finding.id}.text", **{**rule.figures, **finding.evidence})


def note(finding: Finding, words: Words) -> dict[str, Any]:
    """The fields of a `coach` event."""
    told = {"id": finding.id, "text": say(finding, words), "action": finding.action}
    return {**told, "step": finding.step, "evidence": finding.evidence}


def say_again(event: Event, words: Words) -> str | None:
    """A `coach` event in this language, from its evidence; its own words when the rule is not one of ours."""
    rule, evidence = advisor.coach.BY_ID.get(str(event.get("id"))), event.get("evidence")
    if rule is not None and isinstance(evidence, dict):
        try:
            return clean(words.say(f"coach.{rule.id}.text", **{**rule.figures, **evidence}), 600)
        except (KeyError, ValueError, TypeError, IndexError):
            pass
    return text(event, "text", 600)


def coach_for(run: RunDir) -> Coach:
    """A coach who knows what the run's recipe says; a recipe that cannot be read says nothing."""
    try:
        recipe = decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path))
    except (OSError, ValueError):
        recipe = None
    return Coach(deadline_s=deadline_of(recipe))


def deadline_of(recipe: Recipe | None) -> float | None:
    """The deadline in seconds that the recipe's facts name."""
    hours = recipe.facts.constraints.deadline_h if recipe is not None and recipe.facts is not None else None
    return hours * 3600 if hours is not None else None


class CoachedWriter(EventWriter):
    """An event writer with a coach beside it: what it finds is written behind the event that showed it.

    The coach of a run that goes on has heard what was told before: the end of a run alone looks like one that stands
    still. It also looks at the disk under the run every `DISK_S` seconds and writes what is free. Only one process may
    train into a run folder at a time: InputError when another does.
    """

    def __init__(self, path: Path, words: Words) -> None:
        super().__init__(path, reserve=True)
        self._words = words
        self._folder = path.parent
        self._lock = threading.RLock()
        self._disk_at = float("-inf")
        self._coach: Coach | None = _heard(path)
        self._deadline_s: float | None = None

    def _opened(self, path: Path) -> int:
        descriptor = super()._opened(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise InputError("runs.two_writers", path=str(path)) from None
        return descriptor

    def coach_by(self, recipe: Recipe) -> None:
        """What the recipe says that a coach must know."""
        self._deadline_s = deadline_of(recipe)

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Append one event, then what the coach says of it."""
        if kind is EventKind.START:
            fields |= {"coached": True, "deadline_s": self._deadline_s}
        with self._lock:
            event = self._write(kind, fields)
            try:
                self._attend(event)
            except Exception:
                # A coach that fails must not cost the run.
                traceback.print_exc(file=sys.stderr)
                self._coach = None

    def _attend(self, event: Mapping[str, Any]) -> None:
        if self._coach is None:
            return
        found = self._coach.take(dict(event))
        if event["t"] == EventKind.STEP and time.monotonic() - self._disk_at >= DISK_S:
            self._disk_at = time.monotonic()
            found += self._coach.take(self._write(EventKind.DISK, disk_under(self._folder)))
        for finding in found:
            self._write(EventKind.COACH, note(finding, self._words))


def _heard(path: Path) -> Coach | None:
    """A coach who has heard a log so far; None when it trips over it, which must not cost the run."""
    coach = Coach()
    try:
        coach.take_all(history(path))
    except Exception:
        traceback.print_exc(file=sys.stderr)
        return None
    return coach


def disk_under(folder: Path) -> dict[str, int | None]:
    """Bytes free for us and in all on the disk of a run folder, and the size of its largest checkpoint."""
    status = os.statvfs(folder)
    sizes = [size_of(path) for path in (folder / "checkpoints").glob("checkpoint-*")]
    return {
        "free_bytes": status.f_bavail * status.f_frsize,
        "total_bytes": status.f_blocks * status.f_frsize,
        "checkpoint_bytes": max(sizes, default=None),
    }


def size_of(folder: Path) -> int:
    """Bytes of all files under a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue
    return total
