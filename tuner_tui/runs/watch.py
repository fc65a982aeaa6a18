"""Attaching costs the same however long the log: the end is read whole, the middle by samples."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from advisor.words import Words
from tuner_tui.runs.coach import coach_for, note
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.follow import Event, Follower, decode
from tuner_tui.runs.view import RunView, fold
from tuner_tui.words import words as default_words

WHOLE_BYTES = 4 << 20
HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 18
LINE_BYTES = 1 << 12
SAMPLES = 2000
SEARCH_CHUNK = 1 << 22
SEARCH_S = 0.3
# Everything but steps and device readings, as our writer spells it.
_RARE = re.compile(rb'"t":"(?!step"|gpu"|disk")')


class RunWatch:
    """One watcher of one run: `poll` for news, then look at `view`. Any number may watch at once.

    `sampled` says that the log was too long to read whole, so that counts and old messages may be incomplete.
    A log that was written without a coach gets one here, who speaks `words`; nothing is added to the log.
    """

    def __init__(self, run: RunDir, words: Words | None = None) -> None:
        self.run = run
        self._words = words or default_words()
        self._coach = coach_for(run)
        self._needs_coach = True
        self.view = RunView(id=run.id)
        self.sampled = False
        self._seen_replaced = 0
        offset = 0
        if _size(run.events_path) > WHOLE_BYTES:
            events, offset = overview(run.events_path)
            self.view = fold(self.view, events)
            self.view = fold(self.view, self._coached(events))
            self.sampled = True
        self.follower = Follower(run.events_path, offset=offset)

    def poll(self, max_events: int = 2000) -> list[Event]:
        """The new events, already folded into `view`."""
        events = self.follower.poll(max_events)
        if self.follower.replaced != self._seen_replaced:
            self._seen_replaced = self.follower.replaced
            self.view = RunView(id=self.run.id)
            self._coach = coach_for(self.run)
        if events:
            events += self._coached(events)
            self.view = fold(self.view, events)
        return events

    def _coached(self, events: list[Event]) -> list[Event]:
        """What our own coach finds, when the log was written without one."""
        for event in events:
            if event["t"] == "start":
                self._needs_coach = event.get("coached") is not True
        found = self._coach.take_all(events) if self._needs_coach else []
        return [{"t": "coach", "at": events[-1].get("at"), **note(finding, self._words)} for finding in found]

    def close(self) -> None:
        """Let go of the log."""
        self.follower.close()


def glance(run: RunDir) -> RunView:
    """The view that the beginning and the end of the log give: for lists and endings, at a fixed cost."""
    try:
        fd = os.open(run.events_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return RunView(id=run.id)
    try:
        found: dict[int, bytes] = {}
        _lines(fd, 0, HEAD_BYTES, found)
        _lines(fd, max(0, os.fstat(fd).st_size - HEAD_BYTES), HEAD_BYTES, found)
    finally:
        os.close(fd)
    decoded = (decode(found[at]) for at in sorted(found))
    return fold(RunView(id=run.id), [event for event in decoded if event is not None])


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
    decoded = (decode(found[at]) for at in sorted(found))
    return [event for event in decoded if event is not None], end


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


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
