"""The log tells events in the present language and the process's own lines as they are; a search shows what matches."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Log

from tuner_tui.runs.progress import Progress
from tuner_tui.runs.view import RunView
from tuner_tui.safe import ELLIPSIS
from tuner_tui.widgets.coach_line import told
from tuner_tui.widgets.hanging import hung
from tuner_tui.widgets.speaks import Speaks
from tuner_tui.words import words

KEPT = 2000
ROWS = 6
"""Rows that one line may take; what is longer is cut with a sign."""
CLOCK = 9
ENDINGS = ("training.exit.done", "training.exit.stopped", "training.exit.stopped_early")
_BAR = re.compile(r"^(?P<what>[^|]*?):?\s+\d+%\|[^|]*\|\s*(?P<count>[\d.,kM]+/[\d.,kM]+) \[.*\]$")
"""A bar of progress as tqdm draws it: what is done and how much of it says as much in fewer cells."""


class LogPanel(Log, Speaks):
    """Lines of the log, the newest last; scrolling up stops the following."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    LogPanel {
        border: round $rule; border-title-color: $foreground; border-subtitle-color: $text-muted; padding: 0 1;
        background: transparent; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
    }
    LogPanel:focus { border: round $primary; }
    """
    help_key = "log"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(max_lines=KEPT, id=id, highlight=False)
        self._entries: deque[dict[str, Any] | str] = deque(maxlen=KEPT)
        self._wanted = ""
        self._wide = 0
        self._follows, self._writes = True, False

    def on_mount(self) -> None:
        """The title needs the language."""
        self.retranslate()

    def retranslate(self) -> None:
        """Tell every entry anew."""
        self.border_title = Content(self.say("log.title"))
        self._show_search()
        self._wide = self.content_size.width
        self._write(self._entries, anew=True)

    def on_resize(self) -> None:
        """Lines are as wide as the panel, and the newest stays in sight."""
        if self._wide != self.content_size.width:
            self.retranslate()
        else:
            self._write(())

    def add(self, entries: Iterable[dict[str, Any] | str]) -> None:
        """Append entries, all at once."""
        fresh = list(entries)
        self._entries.extend(fresh)
        if self._wide != self.content_size.width:
            self.retranslate()
        elif fresh:
            self._write(fresh)

    def _write(self, entries: Iterable[dict[str, Any] | str], anew: bool = False) -> None:
        follows, self._writes = self._follows, True
        if anew:
            self.clear()
        self.write_lines(self._texts(entries), scroll_end=False)
        if follows:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self._follows, self._writes = follows, False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """A person who scrolls up reads; at the end again, the newest lines are followed."""
        super().watch_scroll_y(old_value, new_value)
        if not self._writes:
            self._follows = new_value >= self.max_scroll_y

    def empty(self) -> None:
        """Another run, another log."""
        self._entries.clear()
        self._follows = True
        self.clear()

    def search(self, wanted: str) -> None:
        """Show only lines that hold `wanted`; all when it is empty."""
        if wanted != self._wanted:
            self._wanted = wanted
            self.retranslate()

    def _show_search(self) -> None:
        self.border_subtitle = Content(self.say("log.searched", wanted=self._wanted)) if self._wanted else None

    def _texts(self, entries: Iterable[dict[str, Any] | str]) -> list[str]:
        progress = Progress(words(getattr(self.app, "lang", None)))
        found = [line for entry in entries for line in self._told(entry, progress)]
        wanted = self._wanted.casefold()
        kept = [line for line in found if wanted in line.casefold()] if wanted else found
        return [row for line in kept for row in fitted(line, self._wide - self.styles.scrollbar_size_vertical)]

    def _told(self, entry: dict[str, Any] | str, progress: Progress) -> list[str]:
        if isinstance(entry, str):
            return [f"         | {_BAR.sub(_counted, entry)}"]
        if entry.get("t") == "exit":
            said = self._anew(entry.get("text"))
            lines = progress.lines([{"t": "warn", "text": said}], RunView()) if said else []
        elif entry.get("t") == "coach":
            name, text, _ = told(entry, getattr(self.app, "lang", None))
            lines = [f"{self.say('coach_line.says')} {name}. {text}"]
        else:
            lines = progress.lines([entry], RunView())
        return [f"{_clock(entry.get('at'))} {line}" for line in lines]

    def _anew(self, text: Any) -> Any:
        """How a run ended in the present language, where its own words are ours."""
        ours = [key for key in ENDINGS if text in (words("en").say(key), words("ko").say(key))]
        return self.say(ours[0]) if ours else text


def _counted(bar: re.Match[str]) -> str:
    return f"{bar['what']} {bar['count']}"


def _clock(at: Any) -> str:
    try:
        return time.strftime("%H:%M:%S", time.localtime(at))
    except (TypeError, ValueError, OverflowError, OSError):
        return " " * 8


def fitted(line: str, width: int) -> list[str]:
    """A line as rows of at most `width` cells, the further ones below its text; all of it where there is no width."""
    if width < 1 or cell_len(line) <= width:
        return [line]
    rows = [row.plain for row in hung(Content(line[:CLOCK]), Content(line[CLOCK:]), width)]
    return rows if len(rows) <= ROWS else [*rows[: ROWS - 1], " " * CLOCK + ELLIPSIS]
