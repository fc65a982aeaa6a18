"""However long a log is, reading what it tells costs the same: the end is read whole, the middle by samples."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from tuner_tui.runs.follow import Event, Follower, decode

WHOLE_BYTES = 4 << 20
HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 18
LINE_BYTES = 1 << 12
SAMPLES = 2000
SEARCH_CHUNK = 1 << 22
SEARCH_S = 0.3
# Everything but steps and device readings, as our writer spells it.
_RARE = re.compile(rb'"t":"(?!step"|gpu"|disk")')


def is_long(path: Path) -> bool:
    """Whether a log is too long to be read whole at once."""
    try:
        return path.stat().st_size > WHOLE_BYTES
    except OSError:
        return False


def history(path: Path) -> list[Event]:
    """What a log has told so far: all of it, of a long one events that stand for it."""
    if is_long(path):
        return overview(path)[0]
    follower = Follower(path)
    try:
        return follower.poll(WHOLE_BYTES)
    finally:
        follower.close()


def ends(path: Path) -> list[Event]:
    """The events at the beginning and at the end of a log, in order; none when it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        found: dict[int, bytes] = {}
        _lines(fd, 0, HEAD_BYTES, found)
        _lines(fd, max(0, os.fstat(fd).st_size - HEAD_BYTES), HEAD_BYTES, found)
    finally:
        os.close(fd)
    return _decoded(found)


def overview(path: Path, samples: int = SAMPLES) -> tuple[list[Event], int]:
    """Events that stand for a whole log, in order, and the byte offset from which to follow it."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        size = os.fstat(fd).st_size
        found: dict[int, bytes] = {}
        _lines(fd, 0, HEAD_BYTES, found)
        for part in range(1, samples):
            _line_after(fd, size * part // samples, found)
        _rare(fd, size, found)
        end = _lines(fd, max(0, size - TAIL_BYTES), TAIL_BYTES, found)
    finally:
        os.close(fd)
    return _decoded(found), end


def _lines(fd: int, start: int, length: int, found: dict[int, bytes]) -> int:
    """All whole lines of a stretch, by offset; returns the offset behind the last."""
    data = os.pread(fd, length, start)
    at = 0 if start == 0 else data.find(b"\n") + 1
    while (end := data.find(b"\n", at)) >= 0:
        found[start + at] = data[at:end]
        at = end + 1
    return start + at


def _line_after(fd: int, position: int, found: dict[int, bytes]) -> None:
    data = os.pread(fd, LINE_BYTES, position)
    first, newline, rest = data.partition(b"\n")
    line, whole, _ = rest.partition(b"\n")
    if newline and whole:
        found[position + len(first) + 1] = line


def _rare(fd: int, size: int, found: dict[int, bytes]) -> None:
    """The rare events, the newest first, for as long as the time allows."""
    until = time.monotonic() + SEARCH_S
    end = size
    while end > 0 and time.monotonic() < until:
        start = max(0, end - SEARCH_CHUNK)
        data = os.pread(fd, end - start, start)
        for match in _RARE.finditer(data):
            begin = data.rfind(b"\n", 0, match.start()) + 1
            stop = data.find(b"\n", match.end())
            if stop >= 0 and (begin > 0 or start == 0):
                found[start + begin] = data[begin:stop]
        # Overlap by one line, so that none is lost at the seam.
        end = start + LINE_BYTES if start > 0 else 0


def _decoded(found: dict[int, bytes]) -> list[Event]:
    """The events of lines by offset, in their order."""
    decoded = (decode(found[at]) for at in sorted(found))
    return [event for event in decoded if event is not None]
