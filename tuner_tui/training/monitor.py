"""Memory and load are sampled beside the training, once a second, and every reading says who counted it."""

from __future__ import annotations

import threading
from typing import Any

import msgspec

from tuner_tui.runs.events import Emits, EventKind

EVERY_S = 1.0


class Monitor:
    """A thread that writes `gpu` events until closed and remembers the peak of this process."""

    def __init__(self, events: Emits, every_s: float = EVERY_S) -> None:
        self._events = events
        self._every_s = every_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="monitor", daemon=True)
        self.peak_bytes: int | None = None
        self.source: str | None = None

    def __enter__(self) -> Monitor:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        while True:
            for reading in readings():
                self._tell(reading)
            if self._done.wait(self._every_s):
                return

    def _tell(self, reading: dict[str, Any]) -> None:
        held = reading.get("process_bytes")
        if held is not None:
            self.peak_bytes = max(self.peak_bytes or 0, held)
            self.source = reading.get("source")
        self._events.emit(EventKind.GPU, **{**reading, "peak_bytes": self.peak_bytes})


def readings() -> list[dict[str, Any]]:
    """One live reading a device, as plain data; none when nothing can be read."""
    from tuner_tui import probe

    return [msgspec.to_builtins(reading) for reading in probe.sample()]
