"""When one of a run's processes fails, its own words are told, not only that another lost sight of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import msgspec

from tuner_tui.runs.directory import RunDir, write_atomic
from tuner_tui.runs.events import ExitReason
from tuner_tui.training.failure import Ending
from tuner_tui.training.job import Stopped
from tuner_tui.training.spread import rank

WAIT_S = 3.0
POLL_S = 0.05
LOST = ("closed by peer", "reset by peer", "broken pipe", "remote process", "nccl", "gloo", "barrier", "timed out")
FAILED = (ExitReason.ERROR, ExitReason.OOM, ExitReason.DIVERGED)


class Last(msgspec.Struct, frozen=True):
    """How a process that does not write events ended."""

    rank: int
    ending: Ending


def leave_word(run: RunDir, ending: Ending) -> None:
    """For the process that writes the events of this machine."""
    with contextlib.suppress(OSError):
        write_atomic(run.path / f"{_prefix()}{rank()}.json", msgspec.json.encode(Last(rank(), ending)))


def first_cause(run: RunDir, error: BaseException, ending: Ending, say: Callable[..., str]) -> Ending:
    """The ending of the process that failed first, where `error` only tells that this one was left alone."""
    lost = ending.unforeseen and any(mark in str(error).lower() for mark in LOST)
    if not lost and not (isinstance(error, Stopped) and not run.stop_path.exists()):
        return ending
    found = _words(run, WAIT_S if lost else 0.0)
    if found is not None:
        told = say("training.exit.rank", rank=found.rank, text=found.ending.text)
        return msgspec.structs.replace(found.ending, text=told)
    return Ending(ExitReason.ERROR, 1, f"{say('training.exit.peer')} [training.exit.peer]") if lost else ending


def clear(run: RunDir) -> None:
    """Nothing is left of an attempt whose end has been told."""
    for path in run.path.glob(f"{_prefix()}*.json"):
        path.unlink(missing_ok=True)


def _prefix() -> str:
    """One torchrun's processes know each other by it."""
    return f".ended-{os.getppid()}-"


def _words(run: RunDir, wait_s: float) -> Last | None:
    """What a process that failed by itself has left; one that was only left alone is no cause."""
    until = time.monotonic() + wait_s
    while True:
        for path in sorted(run.path.glob(f"{_prefix()}*.json")):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                last = msgspec.json.decode(path.read_bytes(), type=Last)
                alone = last.ending.unforeseen and any(mark in last.ending.text.lower() for mark in LOST)
                if last.ending.reason in FAILED and not alone:
                    return last
        if time.monotonic() >= until:
            return None
        time.sleep(POLL_S)
