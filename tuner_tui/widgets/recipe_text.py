"""The recipe as text to edit: what is pasted is cleaned first, and the field under the cursor is known by its name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import TextArea

from tuner_tui.safe import clean

MAX_CHARS = 200_000
_KEY = re.compile(r"^(\s*)([A-Za-z_][\w-]*):")


class RecipeText(TextArea):
    """YAML with its keys coloured. `Edited` only when a person changed it."""

    DEFAULT_CSS = """
    RecipeText { scrollbar-size: 0 1; border: round $rule; border-title-color: $foreground;
        background: transparent; padding: 0; }
    RecipeText:focus { border: round $primary; }
    RecipeText.-bad { border: round $error; }
    """
    help_key = "recipe"

    class Edited(Message):
        """A person changed the text."""

        def __init__(self, text: str) -> None:
            self.text = text
            super().__init__()

    class FieldEntered(Message):
        """The cursor stands in another field (dotted name; "" = none)."""

        def __init__(self, field: str) -> None:
            self.field = field
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", id=id, show_line_numbers=True, soft_wrap=False, tab_behavior="focus")
        self._given = ""
        self._field = ""

    def give(self, text: str) -> None:
        """Show a text that nobody edited; the cursor keeps its place when the text is the same."""
        safe = clean(text, MAX_CHARS, lines=True)
        if safe != self.text:
            self._given = safe
            self.load_text(safe)

    def get_line(self, line_index: int) -> Text:
        """One line, its key in the accent colour."""
        line = super().get_line(line_index)
        found = _KEY.match(line.plain)
        if found:
            colour = self.app.theme_variables.get("primary", "")
            line.stylize(colour, found.start(2), found.end(2))
        return line

    async def _on_paste(self, event: events.Paste) -> None:
        event.text = clean(event.text, MAX_CHARS, lines=True)
        await super()._on_paste(event)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Tell only what a person did."""
        event.stop()
        if self.text != self._given:
            self._given = self.text
            self.post_message(self.Edited(self.text))
        self._enter()

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        """The cursor moved."""
        event.stop()
        self._enter()

    def _enter(self) -> None:
        field = field_at(self.text.split("\n"), self.cursor_location[0])
        if field != self._field:
            self._field = field
            self.post_message(self.FieldEntered(field))


def field_at(lines: Sequence[str], row: int) -> str:
    """The dotted name of the field that a row belongs to: `train.learning_rate`; "" above the first."""
    names: list[str] = []
    limit: int | None = None
    for line in reversed(lines[: row + 1]):
        found = _KEY.match(line)
        if found is None:
            continue
        depth = len(found[1])
        if limit is None or depth < limit:
            names.append(found[2])
            limit = depth
        if depth == 0:
            break
    return ".".join(reversed(names))


def row_of(lines: Sequence[str], field: str) -> int | None:
    """The row in which a dotted field is set; the nearest parent's when it is not there itself."""
    wanted = field
    while wanted:
        row = next((row for row, line in enumerate(lines) if _KEY.match(line) and field_at(lines, row) == wanted), None)
        if row is not None:
            return row
        wanted = wanted.rpartition(".")[0]
    return None
