"""A run's state is read from its process and its files, never remembered, so that a crash never shows as running."""

from __future__ import annotations

import os
import stat
import time
from enum import StrEnum
from typing import Any

from tuner_tui.runs.directory import RunDir, RunInfo
from tuner_tui.runs.follow import decode
from tuner_tui.runs.identity import alive, elsewhere
from tuner_tui.runs.locks import is_written

STALE_AFTER_S = 600.0
TAIL_BYTES = 1 << 16


class RunState(StrEnum):
    """What is true of a run now (contract 4.3)."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    CRASHED = "crashed"
    STALE = "stale"

    @property
    def live(self) -> bool:
        """Whether a process works on it now."""
        return self in (RunState.RUNNING, RunState.STALE)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come unless it is resumed."""
        return not self.live and self is not RunState.QUEUED


_BY_REASON = {"done": RunState.FINISHED, "stopped": RunState.STOPPED}


def state_of(run: RunDir, now: float | None = None) -> RunState:
    """The state of a run at `now` (unix seconds; the present when None), from its files and process only."""
    info = run.info()
    events, changed = _last_events(run, info.events_from if info else 0)
    ended = next((event for event in reversed(events) if event["t"] in ("exit", "start")), None)
    if ended is not None and ended["t"] == "exit":
        return _BY_REASON.get(str(ended.get("reason")), RunState.FAILED)
    if info is None:  # who writes can no longer be named, but whether anybody does can be told
        return RunState.RUNNING if is_written(run.events_path) else RunState.CRASHED
    if info.identity is None:
        return RunState.CRASHED if events else RunState.QUEUED
    silent_s = (time.time() if now is None else now) - _last_sign(info, events, changed)
    quiet = silent_s >= STALE_AFTER_S
    if elsewhere(info.identity):
        return RunState.STALE if quiet else RunState.RUNNING
    if not alive(info.identity):
        return _ended_meanwhile(run, info)
    return RunState.STALE if quiet else RunState.RUNNING


def _ended_meanwhile(run: RunDir, info: RunInfo) -> RunState:
    """The process is gone: its last word may have come after we read the log."""
    events, _ = _last_events(run, info.events_from)
    last = next((event for event in reversed(events) if event["t"] in ("exit", "start")), None)
    if last is None or last["t"] != "exit":
        return RunState.CRASHED
    return _BY_REASON.get(str(last.get("reason")), RunState.FAILED)


def _last_sign(info: RunInfo, events: list[dict[str, Any]], changed: float | None) -> float:
    """When we last heard of the process: the older of what the log says and when it changed, not before launch."""
    said = [at for event in events[-1:] if isinstance(at := event.get("at"), int | float)]
    heard = [time_ for time_ in (*said, changed) if time_ is not None]
    return max(min(heard, default=0.0), info.launched or info.created)


def _last_events(run: RunDir, start: int) -> tuple[list[dict[str, Any]], float | None]:
    """The last events at or after byte `start`, and when the log changed (unix seconds)."""
    try:
        fd = os.open(run.events_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return [], None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return [], None
        begin = max(start if start <= status.st_size else 0, status.st_size - TAIL_BYTES)
        data = os.pread(fd, TAIL_BYTES, begin)
    finally:
        os.close(fd)
    whole = data[: data.rfind(b"\n") + 1]
    found = (decode(line) for line in whole.split(b"\n"))
    return [event for event in found if event is not None], status.st_mtime
