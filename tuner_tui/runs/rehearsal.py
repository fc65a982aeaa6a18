"""A rehearsal alone is a run that ends before its first step, in a folder of its own that is thrown away."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import Any

import msgspec

from advisor.recipe import Recipe
from tuner_tui import paths
from tuner_tui.runs.directory import Rehearse, RunDir, create_run
from tuner_tui.runs.rehearsed import Rehearsal, Stage, keep, rehearsal_of
from tuner_tui.runs.state import state_of
from tuner_tui.runs.stop import Rung, StopLadder
from tuner_tui.runs.supervisor import launch
from tuner_tui.runs.watch import glance
from tuner_tui.words import words

POLL_S = 0.1


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What `tuner rehearse` prints. `fits`: whether the recipe fits as it is; `change`: the smallest change that does.

    The figures are those of `Rehearsal`; `exit_code` and `text` tell how a rehearsal ended that measured nothing.
    """

    fits: bool
    change: dict[str, Any] | None = None
    stages: list[Stage] = []
    peak_bytes: int | None = None
    source: str | None = None
    device: str | None = None
    estimate_bytes: int | None = None
    rows: int | None = None
    longest_tokens: int | None = None
    seconds: float = 0.0
    exit_code: int = 0
    text: str | None = None


class Rehearsing:
    """A rehearsal in progress: `look` until it returns the result; `close` ends it early."""

    def __init__(self, recipe: Recipe) -> None:
        self._since = time.monotonic()
        self.run = create_run(recipe, root=paths.home() / "rehearsals", rehearse=Rehearse.ONLY)
        launch(self.run)

    def look(self) -> Rehearsed | None:
        """What was measured, once it is over."""
        if state_of(self.run).live:
            return None
        found = _read(self.run, time.monotonic() - self._since)
        shutil.rmtree(self.run.path, ignore_errors=True)
        return found

    def phase(self) -> str:
        """What it is doing, as a word of the event log ("" before the first)."""
        return glance(self.run).phase or ""

    def close(self) -> None:
        """End it now; nothing of it is kept."""
        ladder = StopLadder(self.run, grace_s=(0.0, 2.0, 10.0))
        while ladder.climb().rung is not Rung.GONE:
            time.sleep(POLL_S)
        shutil.rmtree(self.run.path, ignore_errors=True)


def rehearse(recipe: Recipe) -> Rehearsed:
    """Rehearse and wait."""
    rehearsing = Rehearsing(recipe)
    try:
        while (found := rehearsing.look()) is None:
            time.sleep(POLL_S)
    except BaseException:
        rehearsing.close()
        raise
    return found


def hand_over(run: RunDir, found: Rehearsed) -> None:
    """The run's recipe is the one that was rehearsed, with what had to change already in it."""
    keep(run, msgspec.structs.replace(measured_of(found), change=None))


def measured_of(found: Rehearsed) -> Rehearsal:
    """The figures alone; only of a rehearsal that measured any."""
    return msgspec.convert({name: getattr(found, name) for name in Rehearsal.__struct_fields__}, Rehearsal)


def _why(run: RunDir, told: str | None) -> str:
    """Why nothing was measured; the log is kept in place of the last failure's, since the folder goes."""
    kept = run.path.with_name(run.log_path.name)
    with contextlib.suppress(OSError):
        shutil.copyfile(run.log_path, kept)
    return f"{told or words().say('runs.rehearse.gone')} {words().say('runs.end.log', path=kept)}"


def _read(run: RunDir, seconds: float) -> Rehearsed:
    found, took = rehearsal_of(run), round(seconds, 1)
    if found is None:
        view = glance(run)
        return Rehearsed(fits=False, exit_code=view.exit_code or 1, text=_why(run, view.exit_text), seconds=took)
    known = {name: getattr(found, name) for name in Rehearsal.__struct_fields__}
    return Rehearsed(fits=found.change is None, seconds=took, **known)
