"""However a run fails, people read one clear sentence with a remedy; the traceback stays in the log."""

from __future__ import annotations

import errno
from collections.abc import Callable

import msgspec

from advisor.errors import InputError, Refused
from tuner_tui.child import WORK_FAILED
from tuner_tui.runs.events import ExitReason
from tuner_tui.training.job import Diverged, Rehearsed, Stopped
from tuner_tui.training.survive import RanOut, TooBig

OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
DISK_FULL = ("no space left on device", "iostream error", "inline_container", "disk quota exceeded")


class Ending(msgspec.Struct, frozen=True):
    """How a run ended: what the exit event says and what the process returns. `unforeseen`: nobody thought of it."""

    reason: ExitReason
    code: int
    text: str
    unforeseen: bool = False


def out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on whichever device: torch tells it by text alone on the CPU."""
    text = str(error).lower()
    return isinstance(error, MemoryError | RanOut) or any(mark in text for mark in OUT_OF_MEMORY)


def ending_of(error: BaseException, say: Callable[..., str], lang: str) -> Ending:
    """The ending that an exception means; the text of a failure carries its code."""

    def fault(key: str, **params: object) -> str:
        return f"{say(key, **params)} [{key}]"

    if isinstance(error, Stopped):
        return Ending(ExitReason.STOPPED, 130, say("training.exit.stopped_early"))
    if isinstance(error, Diverged):
        return Ending(ExitReason.DIVERGED, 1, fault(f"training.exit.diverged_{error.code}", **error.params))
    if isinstance(error, Rehearsed):
        return Ending(ExitReason.DONE, 0, say("training.rehearsal.done"))
    if isinstance(error, InputError):
        code = 3 if isinstance(error, Refused) else 1 if error.code in WORK_FAILED else 2
        return Ending(ExitReason.ERROR, code, error.text(lang))
    if isinstance(error, TooBig):
        return Ending(ExitReason.OOM, 3, fault("training.rehearsal.too_big"))
    text = str(error).lower()
    if out_of_memory(error):
        return Ending(ExitReason.OOM, 1, fault("training.exit.oom"))
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or any(mark in text for mark in DISK_FULL):
        return Ending(ExitReason.ERROR, 1, fault("training.exit.disk"))
    detail = (str(error).strip().splitlines() or [""])[0][:300]
    told = fault("training.exit.error", kind=type(error).__name__, detail=detail)
    return Ending(ExitReason.ERROR, 1, told, unforeseen=True)
