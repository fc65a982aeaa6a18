"""The file picker lists one folder at a time, in a thread; Enter opens or takes, Esc gives nothing."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, cast

from rich.cells import cell_len
from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tuner_tui.keys import bindings
from tuner_tui.safe import clean
from tuner_tui.widgets.keybar import KeyBar
from tuner_tui.widgets.labels import cut_to
from tuner_tui.widgets.speaks import Plain, Say
from tuner_tui.words import words

MOST = 2000
SIZE, MIN_NAME = 11, 16
"""Cells for the size of a file; the fewest for its name."""


class Entry(NamedTuple):
    """One line: a folder, a file, or (`take`) the folder one is in."""

    path: Path
    folder: bool
    size: int | None = None
    take: bool = False


class PickerList(OptionList):
    """The entries."""

    BINDINGS: ClassVar[Any] = bindings("picker")
    help_key = "picker"

    def on_key(self, event: events.Key) -> None:
        """What is typed here filters."""
        if event.is_printable and event.character and event.character != " ":
            event.stop()
            event.prevent_default()
            cast(PickerScreen, self.screen).type(event.character)

    def action_up(self) -> None:
        """To the folder above."""
        screen = self.screen
        if isinstance(screen, PickerScreen):
            screen.open(screen.folder.parent)


class PickerScreen(ModalScreen[str]):
    """Pick a file; with `folders`, a folder may be taken too."""

    BINDINGS = bindings("dialog")
    help_key = "picker"
    DEFAULT_CSS = """
    PickerScreen PickerList { height: 1fr; }
    PickerScreen #where { color: $text-muted; height: 1; }
    """

    class Listed(Message):
        """A folder was read."""

        def __init__(self, folder: Path, entries: list[Entry], problem: str | None) -> None:
            self.folder, self.entries, self.problem = folder, entries, problem
            super().__init__()

    def __init__(self, title: str, start: str | None, *, folders: bool = False) -> None:
        super().__init__()
        self._title, self._folders = title, folders
        self._entries: list[Entry] = []
        self._shown: list[Entry] = []
        self.folder = _start(start)
        self._came_from: Path | None = None

    def compose(self) -> ComposeResult:
        """Where, a filter, the entries."""
        with Vertical(classes="dialog"):
            yield Say(self._title, id="title")
            yield Plain(id="where")
            yield PickerList(id="entries", markup=False)
            yield Input(id="filter", max_length=200)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin where the present path is."""
        self.query_one("#filter", Input).placeholder = self._say("picker.filter")
        self.query_one(PickerList).focus()
        self.open(self.folder)

    def _say(self, key: str, /, **params: object) -> str:
        return words(getattr(self.app, "lang", None)).say(key, **params)

    def open(self, folder: Path) -> None:
        """Show a folder."""
        self._came_from = self.folder
        self._read(folder)

    @work(thread=True, exclusive=True, exit_on_error=False)
    def _read(self, folder: Path) -> None:
        entries, problem = read_folder(folder, self._folders)
        self.post_message(self.Listed(folder, entries, problem))

    @on(Listed)
    def _listed(self, event: Listed) -> None:
        self.folder, self._entries = event.folder, event.entries
        where = clean(str(event.folder), 300) + (f"  ({event.problem})" if event.problem else "")
        self.query_one("#where", Plain).show(where)
        with self.prevent(Input.Changed):
            self.query_one("#filter", Input).value = ""
        self._show("")

    def on_resize(self) -> None:
        """Rows are as wide as the list."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        listed = self.query_one(PickerList)
        at = listed.highlighted
        self._show(self.query_one("#filter", Input).value.strip())
        listed.highlighted = at

    def _show(self, wanted: str) -> None:
        wanted = composed(wanted)
        self._shown = [entry for entry in self._entries if entry.take or wanted in composed(entry.path.name)]
        listed = self.query_one(PickerList)
        longest = max((cell_len(clean(entry.path.name, 200)) for entry in self._shown), default=0)
        wide = min(longest + 1, max(MIN_NAME, listed.content_size.width - SIZE - 2))
        listed.set_options([Option(self._line(entry, wide)) for entry in self._shown])
        at = next((n for n, entry in enumerate(self._shown) if entry.path == self._came_from), 0)
        listed.highlighted = at if self._shown else None

    def _line(self, entry: Entry, wide: int) -> Content:
        if entry.take:
            return Content.styled(f" {self._say('picker.take')}", "bold $primary")
        if entry.path == self.folder.parent and entry.folder:
            return Content.styled(" ../", "$secondary")
        name = clean(entry.path.name, 200)
        if entry.folder:
            return Content.styled(f" {cut_to(f'{name}/', wide)}", "$secondary")
        return Content.assemble(f" {cut_to(name, wide)}", (f"{size_of(entry.size):>{SIZE}}", "$text-muted"))

    def type(self, character: str) -> None:
        """The filter takes over with this character."""
        wanted = self.query_one("#filter", Input)
        wanted.focus()
        wanted.cursor_position = len(wanted.value)
        wanted.insert_text_at_cursor(character)

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self._show(event.value.strip())

    @on(Input.Submitted, "#filter")
    def _entered(self) -> None:
        if self._shown:
            self._take(self._shown[-1] if len(self._shown) == 1 else self._first())

    def _first(self) -> Entry:
        return next(
            (entry for entry in self._shown if not entry.take and entry.path != self.folder.parent), self._shown[0]
        )

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self._take(self._shown[event.option_index])

    def _take(self, entry: Entry) -> None:
        if entry.folder and not entry.take:
            self.open(entry.path)
        else:
            self.dismiss(str(entry.path))

    def action_cancel(self) -> None:
        """Nothing taken."""
        self.dismiss(None)


def composed(name: str) -> str:
    """A name as it is compared: some file systems take Hangul apart (NFD), keyboards put it together (NFC)."""
    return unicodedata.normalize("NFC", name).lower()


def _start(start: str | None) -> Path:
    """The nearest folder that exists, from the present path or the working folder."""
    path = Path(start).expanduser() if start else Path.cwd()
    path = path if path.is_absolute() else Path.cwd() / path
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path


def read_folder(folder: Path, folders: bool) -> tuple[list[Entry], str | None]:
    """Folders first, then files, without hidden ones; the problem in the system's words when it cannot be read."""
    top = [Entry(folder, True, take=True)] if folders else []
    up = [Entry(folder.parent, True)] if folder.parent != folder else []
    try:
        with os.scandir(folder) as scanned:
            found = [_entry(item) for item in scanned if not item.name.startswith(".")][:MOST]
    except OSError as error:
        return up, error.strerror
    return [*top, *up, *sorted(found, key=lambda entry: (not entry.folder, entry.path.name.lower()))], None


def _entry(item: os.DirEntry[str]) -> Entry:
    try:
        folder = item.is_dir()
        return Entry(Path(item.path), folder, None if folder else item.stat().st_size)
    except OSError:
        return Entry(Path(item.path), False)


def size_of(size: int | None) -> str:
    """Bytes for people."""
    if size is None:
        return ""
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024 or unit == "GiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return ""
