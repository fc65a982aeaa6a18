"""Memory as it was counted, by whom, and beside it what was computed before; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from tuner_tui.runs.view import GpuReading
from tuner_tui.widgets.meter import bar
from tuner_tui.widgets.speaks import Speaks

GIB = 1 << 30


class MemoryPanel(Speaks, can_focus=True):
    """One block a device: process, neighbours, peak, total, load, temperature, power."""

    ALLOW_MAXIMIZE = True
    DEFAULT_CSS = """
    MemoryPanel {
        border: round $rule; padding: 0 1;
        border-title-color: $foreground; border-subtitle-color: $text-muted;
    }
    MemoryPanel:focus { border: round $primary; }
    """
    help_key = "memory"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._readings: Mapping[str, GpuReading] = {}
        self._predicted: Any = None
        self.ascii_only = False

    def on_mount(self) -> None:
        """The title needs the language."""
        self.retranslate()

    def retranslate(self) -> None:
        """Say it anew."""
        self.border_title = Content(self.say("memory.title"))
        sources = {reading.source for reading in self._readings.values()}
        key = next((f"memory.by_{source}" for source in ("nvml", "host") if source in sources), "")
        self.border_subtitle = Content(self.say(key)) if key else None
        self.refresh()

    def show(self, readings: Mapping[str, GpuReading], predicted: Any = None) -> None:
        """Draw these readings; `predicted` has `low`, `likely`, `high` in GiB, None when nothing was computed."""
        if readings != self._readings or predicted != self._predicted:
            self._readings, self._predicted = readings, predicted
            self.retranslate()

    def render(self) -> Content:
        """All devices below each other."""
        if not self._readings:
            return Content.styled(self.say("memory.none"), "$text-muted")
        width = self.content_size.width
        rows = [row for reading in self._readings.values() for row in self._device(reading, width)]
        return Content("\n").join(rows)

    def _device(self, reading: GpuReading, width: int) -> list[Content]:
        host = reading.source == "host"
        used, total, own = reading.used_bytes, reading.total_bytes, reading.process_bytes
        share = used / total if used is not None and total else None
        mark = self._predicted.likely * GIB / total if self._predicted and total and not host else None
        title = self.say("memory.no_gpu") if host else reading.device
        rows = [Content.styled(title, "bold")]
        rows.append(self._pair("memory.process", own, width))
        rows.append(self._pair("memory.peak", reading.peak_bytes, width))
        if not host and self._predicted is not None:
            said = f"{self._predicted.low:.1f}-{self._predicted.high:.1f} GiB"
            rows.append(self._row(self.say("memory.predicted"), said, width))
        if not host and used is not None and own is not None:
            rows.append(self._pair("memory.others", max(0, used - own), width))
        whole = f"{_gib(used)}/{_gib(total)} GiB"
        rows.append(self._row(self.say("memory.machine" if host else "memory.used"), whole, width))
        percent = f" {share:>4.0%}" if share is not None else ""
        rows.append(
            Content.assemble(bar(share, max(1, width - len(percent)), "$primary", mark, self.ascii_only), percent)
        )
        load = self._load(reading)
        return [*rows, *([Content.styled(load, "$text-muted")] if load else [])]

    def _pair(self, key: str, amount: int | None, width: int) -> Content:
        return self._row(self.say(key), self.say("memory.unknown") if amount is None else f"{_gib(amount)} GiB", width)

    @staticmethod
    def _row(word: str, value: str, width: int) -> Content:
        gap = max(1, width - cell_len(word) - cell_len(value))
        return Content.assemble((word, "$text-muted"), " " * gap, value).truncate(width)

    def _load(self, reading: GpuReading) -> str:
        figures = {"load": reading.util_pct, "heat": reading.temp_c, "power": reading.power_w}
        said = [
            self.say(f"memory.{name}", value=f"{value:.0f}") for name, value in figures.items() if value is not None
        ]
        return " · ".join(said)


def _gib(amount: int | None) -> str:
    if amount is None:
        return "?"
    gib = amount / GIB
    return f"{gib:.2f}" if gib < 10 else f"{gib:.1f}"
