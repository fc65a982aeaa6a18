"""Rows of a label and a text whose further lines stand below its first, at any width; a label never gets lost."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

LEAST = 16
"""Cells that a text needs beside its label; with fewer it begins below it."""

Row = tuple[Content, Content]

_HEAD = re.compile(r"\s*(?:[-!+*x] |\d+\. )?")


def hung(label: Content, text: Content, width: int) -> list[Content]:
    """One row as lines of at most `width` cells."""
    indent = label.cell_length
    if width - indent < LEAST:
        return Content.assemble(label, text).wrap(max(1, width))
    first, *others = text.wrap(width - indent) or [Content("")]
    return [Content.assemble(label, first), *(Content.assemble(" " * indent, line) for line in others)]


def listed(text: Content) -> list[Row]:
    """Rows of a text: what begins a line, space or a list's mark (`- `, `3. `), is its label."""
    rows = []
    for line in text.split("\n", allow_blank=True):
        found = _HEAD.match(line.plain)
        head = found.end() if found else 0
        rows.append((line[:head], line[head:]))
    return rows


class Hanging(Widget):
    """Such rows below each other; a row without label takes the whole width."""

    DEFAULT_CSS = "Hanging { height: auto; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: tuple[Row, ...] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Draw these rows; nothing is sent when they are the same."""
        fresh = tuple(rows)
        if fresh != self._rows:
            self._rows = fresh
            self.refresh(layout=True)

    def tell(self, text: Content | str) -> None:
        """Draw a text; lines that begin with a list's mark hang from it."""
        self.show(listed(text if isinstance(text, Content) else Content(text)))

    @property
    def plain(self) -> str:
        """All of it as it was given, before it was wrapped."""
        return "\n".join(label.plain + text.plain for label, text in self._rows)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the rows take at this width."""
        return len(self._lines(width))

    def render(self) -> Content:
        """All rows."""
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        return [line for label, text in self._rows for line in hung(label, text, width)]
