"""A rehearsal is a run of one step in a folder of its own that is thrown away; only what it measured is kept."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

import msgspec

from advisor.recipe import Recipe
from tuner_tui import paths
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.need import need_bytes
from tuner_tui.runs.state import state_of
from tuner_tui.runs.stop import Rung, StopLadder
from tuner_tui.runs.supervisor import launch
from tuner_tui.runs.watch import glance

POLL_S = 0.1


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """The peak of one stage in bytes, what torch had allocated (GPU only), and its seconds; all measured."""

    name: str
    peak_bytes: int
    allocated_bytes: int | None = None
    seconds: float


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What `tuner rehearse` prints. `fits`: whether the recipe fits as it is; `change`: the smallest change that does.

    `estimate_bytes` was computed before (None where it cannot be, and without a GPU, whose memory it is about);
    `exit_code` and `text` tell how a rehearsal ended that measured nothing.
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
        self._recipe = recipe
        self._since = time.monotonic()
        self.run = create_run(recipe, root=paths.home() / "rehearsals")
        launch(self.run, command=[sys.executable, "-P", "-m", "tuner_tui.training.rehearse", str(self.run.path)])

    def look(self) -> Rehearsed | None:
        """What was measured, once it is over."""
        if state_of(self.run).live:
            return None
        found = _read(self.run, self._recipe, time.monotonic() - self._since)
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


def _read(run: RunDir, recipe: Recipe, seconds: float) -> Rehearsed:
    view = glance(run)
    try:
        raw = msgspec.json.decode((run.path / "rehearsal.json").read_bytes())
        stages = msgspec.convert(raw["stages"], list[Stage])
    except (OSError, msgspec.MsgspecError, KeyError):
        return Rehearsed(fits=False, exit_code=view.exit_code or 1, text=view.exit_text, seconds=round(seconds, 1))
    _remember(recipe, raw, stages)
    return Rehearsed(
        fits=raw["change"] is None,
        change=raw["change"],
        stages=stages,
        peak_bytes=raw["peak_bytes"],
        source=raw["source"],
        device=raw["device"],
        estimate_bytes=need_bytes(recipe) if raw["device"] == "cuda" else None,
        rows=raw["rows"],
        longest_tokens=raw["longest_tokens"],
        seconds=round(seconds, 1),
    )


def _remember(recipe: Recipe, raw: dict[str, Any], stages: list[Stage]) -> None:
    """What a GPU measured corrects later estimates; a rehearsal that had to change its settings measured others."""
    held = [stage.allocated_bytes for stage in stages if stage.allocated_bytes is not None]
    if raw["device"] != "cuda" or raw["change"] is not None or not held:
        return
    from tuner_tui.calibration import remember

    remember(recipe, {"at": time.time(), "allocated_bytes": max(held), "longest_tokens": raw["longest_tokens"]})
