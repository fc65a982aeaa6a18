"""Memory as it was counted, by whom, and beside it what was computed before; unknown stays unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from rich.cells import cell_len
from textual.content import Content

from tuner_tui.runs.view import GpuReading
from tuner_tui.widgets.meter import bar
from tuner_tui.widgets.run_head import fitted
from tuner_tui.widgets.speaks import Speaks

GIB = 1 << 30
LEAST_BAR = 6


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
        """All devices below each other, each in as many rows as there is room for."""
        if not self._readings:
            return Content.styled(self.say("memory.none"), "$text-muted")
        width, height = self.content_size
        rows: list[Content] = []
        for drawn in (self._device, self._three_rows, self._two_rows, self._one_row):
            rows = [row for reading in self._readings.values() for row in drawn(reading, width)]
            rows += [self._foreseen(width)] if drawn != self._device and self._predicted is not None else []
            if len(rows) <= height or len(self._readings) == 1:
                break
        if len(rows) > height > 1:
            left = len(self._readings) - height + 1
            said = self.say("memory.more", count=left) if left > 0 else self.say("memory.rest")
            rows = [*rows[: height - 1], Content.styled(said, "$text-muted")]
        return Content("\n").join(rows)

    def _foreseen(self, width: int) -> Content:
        said = f"{self._predicted.low:.1f}-{self._predicted.high:.1f} GiB"
        return self._row(self.say("memory.predicted"), said, width)

    def _one_row(self, reading: GpuReading, width: int) -> list[Content]:
        """Name, bar, used of total, and the load where it still fits."""
        used, total = reading.used_bytes, reading.total_bytes
        name = f"{reading.device.removeprefix('cuda:')} "
        held = f" {_gib(used)}/{_gib(total)}"
        load = "" if reading.util_pct is None else f" {reading.util_pct:>3.0f} %"
        load = load if width - len(name) - len(held) - len(load) >= LEAST_BAR else ""
        room = max(1, width - cell_len(name) - len(held) - len(load))
        drawn = bar(_share(used, total), room, "$primary", self._mark(reading), self.ascii_only)
        return [Content.assemble((name, "bold"), drawn, held, (load, "$text-muted"))]

    def _two_rows(self, reading: GpuReading, width: int) -> list[Content]:
        """As in one row without the load; below it whose the memory is, and as much of the load as fits."""
        first, said = self._one_row(msgspec.structs.replace(reading, util_pct=None), width), self._whose(reading)
        return [*first, self._below([*said, *self._loads(reading)], width)]

    def _three_rows(self, reading: GpuReading, width: int) -> list[Content]:
        """As in two rows, the load by itself."""
        first, said = self._one_row(msgspec.structs.replace(reading, util_pct=None), width), self._whose(reading)
        return [*first, self._below(said, width), self._below(self._loads(reading), width)]

    def _whose(self, reading: GpuReading) -> list[str]:
        used, own = reading.used_bytes, reading.process_bytes
        others = [] if used is None or own is None else [f"{self.say('memory.others')} {_gib(max(0, used - own))}"]
        return [f"{self.say('memory.process')} {_gib(own)}", *others]

    @staticmethod
    def _below(said: list[str], width: int) -> Content:
        return Content("  ") + fitted([(each, "$text-muted") for each in said], width - 2)

    def _mark(self, reading: GpuReading) -> float | None:
        """Where the computed peak lies on the bar."""
        total = reading.total_bytes
        return self._predicted.likely * GIB / total if self._predicted and total and reading.source != "host" else None

    def _device(self, reading: GpuReading, width: int) -> list[Content]:
        host = reading.source == "host"
        used, total, own = reading.used_bytes, reading.total_bytes, reading.process_bytes
        share = _share(used, total)
        title = self.say("memory.no_gpu") if host else reading.device
        rows = [Content.styled(title, "bold")]
        rows.append(self._pair("memory.process", own, width))
        rows.append(self._pair("memory.peak", reading.peak_bytes, width))
        if not host and self._predicted is not None:
            rows.append(self._foreseen(width))
        if not host and used is not None and own is not None:
            rows.append(self._pair("memory.others", max(0, used - own), width))
        whole = f"{_gib(used)}/{_gib(total)} GiB"
        rows.append(self._row(self.say("memory.machine" if host else "memory.used"), whole, width))
        percent = f" {share:>4.0%}" if share is not None else ""
        drawn = bar(share, max(1, width - len(percent)), "$primary", self._mark(reading), self.ascii_only)
        rows.append(Content.assemble(drawn, percent))
        load = " · ".join(self._loads(reading))
        return [*rows, *([Content.styled(load, "$text-muted")] if load else [])]

    def _pair(self, key: str, amount: int | None, width: int) -> Content:
        return self._row(self.say(key), self.say("memory.unknown") if amount is None else f"{_gib(amount)} GiB", width)

    @staticmethod
    def _row(word: str, value: str, width: int) -> Content:
        gap = max(1, width - cell_len(word) - cell_len(value))
        return Content.assemble((word, "$text-muted"), " " * gap, value).truncate(width)

    def _loads(self, reading: GpuReading) -> list[str]:
        figures = {"load": reading.util_pct, "heat": reading.temp_c, "power": reading.power_w}
        return [
            self.say(f"memory.{name}", value=f"{value:.0f}") for name, value in figures.items() if value is not None
        ]


def _share(used: int | None, total: int | None) -> float | None:
    return used / total if used is not None and total else None


def _gib(amount: int | None) -> str:
    if amount is None:
        return "?"
    gib = amount / GIB
    return f"{gib:.2f}" if gib < 10 else f"{gib:.1f}"
