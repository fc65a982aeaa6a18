"""A follower delivers every whole line of an event log once, in order, and never trips over what a crash left."""

from __future__ import annotations

import os
import stat
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

Event = dict[str, Any]

MAX_LINE = 1 << 20
CHUNK = 1 << 18


def decode(line: bytes) -> Event | None:
    """One event; None for anything that is none (torn, NUL fill, garbage, no kind)."""
    try:
        event = msgspec.json.decode(line.strip(b"\x00 \t\r"))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("t"), str) else None


class Follower:
    """Reads a growing event log in batches.

    `skipped` counts lines that were no events; `replaced` counts how often the file was truncated or swapped
    (it is then read again from its start); `behind` says whether more may be read at once.
    """

    def __init__(self, path: Path, *, offset: int = 0, max_line: int = MAX_LINE) -> None:
        self.path = path
        self.skipped = 0
        self.replaced = 0
        self.behind = False
        self.offset = offset
        self._max_line = max_line
        self._fd: int | None = None
        self._rest = b""
        self._too_long = False
        self._lines: deque[bytes] = deque()

    def poll(self, max_events: int = 2000) -> list[Event]:
        """The next whole events, at most `max_events`; empty when there is nothing new."""
        events: list[Event] = []
        while len(events) < max_events:
            if not self._lines and not self._read():
                break
            while self._lines and len(events) < max_events:
                self._take(self._lines.popleft(), events)
        self.behind = bool(self._lines) or len(events) >= max_events
        return events

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _take(self, line: bytes, events: list[Event]) -> None:
        if not line:
            return
        event = decode(line) if len(line) <= self._max_line else None
        if event is None:
            self.skipped += 1
        else:
            events.append(event)

    def _read(self) -> bool:
        """Read one chunk into whole lines; False when there is nothing more now."""
        fd = self._opened()
        data = os.pread(fd, CHUNK, self.offset) if fd is not None else b""
        if not data:
            return False
        self.offset += len(data)
        first, newline, _ = data.partition(b"\n")
        if self._too_long:
            if not newline:
                return True
            self._too_long = False
            data = data[len(first) + 1 :]
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > self._max_line:
            self._rest, self._too_long = b"", True
            self.skipped += 1
        self._lines.extend(lines)
        return True

    def _opened(self) -> int | None:
        """The open file; opened anew when it was replaced or truncated."""
        try:
            named = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return self._fd
        if self._fd is not None:
            mine = os.fstat(self._fd)
            if (mine.st_ino, mine.st_dev) == (named.st_ino, named.st_dev) and named.st_size >= self.offset:
                return self._fd
            self._restart()
        # A link or a pipe in the log's place is not ours to read.
        if stat.S_ISREG(named.st_mode):
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            self.offset = min(self.offset, named.st_size)
        return self._fd

    def _restart(self) -> None:
        self.close()
        self.replaced += 1
        self.offset = 0
        self._rest, self._too_long = b"", False
        self._lines.clear()
