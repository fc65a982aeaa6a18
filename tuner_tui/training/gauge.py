"""The peak of each stage is measured where memory is handed out: by the CUDA allocator, else as resident memory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")
RESET_PEAK = "5"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One stage: its peak in bytes (as `Gauge.source` counts), what torch had allocated (CUDA only), its seconds."""

    name: str
    peak_bytes: int
    allocated_bytes: int | None
    seconds: float


class Gauge:
    """Marks the end of stages; each mark holds the peak since the one before."""

    def __init__(self, device: str) -> None:
        self._cuda = device == "cuda"
        self.source = "torch.cuda.max_memory_reserved" if self._cuda else "VmHWM"
        self.marks: list[Mark] = []
        self._since = time.monotonic()
        self._reset()

    def begin(self, name: str) -> None:
        """Forget what came before; the stage is marked later."""
        self._since = time.monotonic()
        self._reset()
        self._next = name

    def mark(self, name: str) -> None:
        """The end of a stage; a stage that happens again keeps its highest peak."""
        if self._cuda:
            import torch

            torch.cuda.synchronize()
        now = time.monotonic()
        peak, allocated = self._peak()
        found = Mark(name=name, peak_bytes=peak, allocated_bytes=allocated, seconds=round(now - self._since, 3))
        before = next((mark for mark in self.marks if mark.name == name), None)
        if before is None:
            self.marks.append(found)
        elif found.peak_bytes > before.peak_bytes:
            self.marks[self.marks.index(before)] = found
        self._since = now
        self._reset()

    def callback(self, model: Any) -> Any:
        """A trainer callback that marks the stages of a step; the first forward passes of a step end its `forward`."""
        from transformers import TrainerCallback

        gauge = self

        class Stages(TrainerCallback):  # type: ignore[misc]
            def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
                gauge.mark("resume" if state.global_step else "prepare")

            def on_pre_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
                gauge.mark("backward")

            def on_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
                gauge.mark("optimizer")

            def on_evaluate(self, *args: Any, **kwargs: Any) -> None:
                gauge.mark("evaluate")

            def on_save(self, *args: Any, **kwargs: Any) -> None:
                gauge.mark("save")

        def after_forward(module: Any, inputs: Any, output: Any) -> None:
            if module.training:
                gauge.mark("forward")

        model.register_forward_hook(after_forward)
        return Stages()

    def _peak(self) -> tuple[int, int | None]:
        if self._cuda:
            import torch

            return int(torch.cuda.max_memory_reserved()), int(torch.cuda.max_memory_allocated())
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024, None

    def _reset(self) -> None:
        if self._cuda:
            import torch

            torch.cuda.reset_peak_memory_stats()
            return
        try:
            CLEAR.write_text(RESET_PEAK)
        except OSError:
            # Without it (not Linux, or not allowed) a stage shows the highest peak so far: never too little.
            return
