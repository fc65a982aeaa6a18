"""The last door: whatever a screen drew, no line leaves for the terminal with a character that could drive it."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tuner_tui.safe import visible


class Door(LineFilter):
    """Screens clean foreign text where they take it, so that widths are right; this holds where one forgot."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, unsafe characters made visible."""
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [
            segment if segment.text.isprintable() else Segment(visible(segment.text), segment.style, segment.control)
            for segment in segments
        ]
