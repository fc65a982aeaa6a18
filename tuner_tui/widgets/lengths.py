"""How long the rows are, drawn; whoever shows this says the numbers in words beside it."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive

from tuner_tui.widgets.histogram import columns, told
from tuner_tui.widgets.speaks import Speaks

ROWS, MOST = 3, 96


class Lengths(Speaks):
    """Rows by length in characters."""

    DEFAULT_CSS = "Lengths { height: auto; width: 1fr; }"
    help_key = "lengths"
    ascii_only: reactive[bool] = reactive(False)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._histogram: dict[int, int] = {}

    def show(self, histogram: dict[int, int]) -> None:
        """Draw this one; nothing is redrawn when it is the same."""
        self.display = told(histogram) is not None
        if histogram != self._histogram:
            self._histogram = histogram
            self.refresh(layout=True)

    def get_content_height(self, *args: object) -> int:
        """Columns, ends below."""
        return ROWS + 1

    def render(self) -> Content:
        """The columns, and the ends of the axis."""
        width = min(self.content_size.width, MOST)
        if not self._histogram or width < 12:
            return Content("")
        counts = [self._histogram[end] for end in sorted(self._histogram)]
        rows = columns(counts, width, ROWS, ascii_only=self.ascii_only)
        last = f"{max(self._histogram):,}"
        axis = "0" + " " * max(1, width - 1 - cell_len(last)) + last
        return Content("\n").join(
            [*(Content.styled(row, "$curve-1") for row in rows), Content.styled(axis, "$text-muted")]
        )
