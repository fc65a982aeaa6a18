"""Events: one JSON object a line, appended by one write each, so that a crash can tear only the last line."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec

from tuner_tui.redact import redacted, redactor

VERSION = 1
RESERVE_BYTES = 1 << 16
FULL = (errno.ENOSPC, errno.EDQUOT)


class EventKind(StrEnum):
    """What an event tells."""

    START = "start"
    PHASE = "phase"
    STEP = "step"
    GPU = "gpu"
    EVAL = "eval"
    SAMPLE = "sample"
    REHEARSAL = "rehearsal"
    CHECKPOINT = "checkpoint"
    COACH = "coach"
    WARN = "warn"
    EXIT = "exit"
    DISK = "disk"
    RANKS = "ranks"


class ExitReason(StrEnum):
    """Why a run ended."""

    DONE = "done"
    STOPPED = "stopped"
    OOM = "oom"
    DIVERGED = "diverged"
    ERROR = "error"


# What may be lost on a full disk without anyone being misled.
_LOSSY = (EventKind.GPU, EventKind.DISK, EventKind.COACH, EventKind.SAMPLE, EventKind.WARN, EventKind.RANKS)


class Emits(Protocol):
    """Whatever takes events: the log, or a stand-in where another process writes it."""

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Take one event."""


class EventWriter:
    """Appends events to one file; the only writer of it.

    With `reserve` some space is kept beside the log, so that on a full disk the exit event can still be written;
    every other event that matters then raises OSError (ENOSPC or EDQUOT).
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, *, reserve: bool = False) -> None:
        self._clock, self._redact = clock, redactor()
        self._path, self._fd = path, self._opened(path)
        self._reserve = _set_aside(path.with_name(".reserve")) if reserve else None
        self._torn = _ends_torn(self._fd)

    def _opened(self, path: Path) -> int:
        """The log's descriptor; whoever must be the only writer locks it here."""
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def _follow_name(self) -> None:
        """Write where the log's name is: a rotation may have renamed the file. What cannot be opened is left alone."""
        try:
            if os.path.samestat(os.stat(self._path, follow_symlinks=False), os.fstat(self._fd)):
                return
        except FileNotFoundError:
            pass
        except OSError:
            return
        with contextlib.suppress(OSError, ValueError):
            there = self._opened(self._path)
            os.close(self._fd)
            self._fd, self._torn = there, _ends_torn(there)

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Append one event. Numbers that are not finite become null and are named in `nonfinite`."""
        self._write(kind, fields)

    def _write(self, kind: EventKind, fields: Mapping[str, Any]) -> dict[str, Any]:
        fields = {name: redacted(value, self._redact) for name, value in fields.items()}
        event = {"v": VERSION, "t": kind.value, "at": self._clock(), **fields}
        nonfinite = [name for name, value in fields.items() if _is_nonfinite(value)]
        if nonfinite:
            event.update(dict.fromkeys(nonfinite), nonfinite=nonfinite)
        self._follow_name()
        # A line that an earlier crash or a full disk tore is closed first, or it would swallow this event.
        line = b"\n" * self._torn + msgspec.json.encode(event) + b"\n"
        try:
            self._append(line)
        except OSError as error:
            if error.errno not in FULL:
                raise
            if kind is EventKind.EXIT:
                self._free_reserve()
                self._append(b"\n" * self._torn + line)
            elif kind not in _LOSSY:
                raise
        return event

    def _append(self, line: bytes) -> None:
        written = os.write(self._fd, line)
        self._torn = written < len(line)
        if self._torn:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _free_reserve(self) -> None:
        if self._reserve is not None:
            self._reserve.unlink(missing_ok=True)
            self._reserve = None

    def close(self) -> None:
        """Close the file and give the reserve back."""
        self._free_reserve()
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _set_aside(path: Path) -> Path | None:
    """A file that holds some space, its blocks really written; None when there is no space."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        os.write(fd, b"\x5a" * RESERVE_BYTES)
        os.fsync(fd)
    except OSError:
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(fd)
    return path


def _ends_torn(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"


def _is_nonfinite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
