"""The peak of each stage is measured where memory is handed out: by the CUDA allocator, else as resident memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuner_tui.runs.rehearsed import Stage

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")
RESET_PEAK = "5"


class Gauge:
    """Marks the end of stages; each mark holds the peak since the one before."""

    def __init__(self, device: str) -> None:
        self._cuda = device == "cuda"
        self.source = "torch.cuda.max_memory_reserved" if self._cuda else "VmHWM"
        self.marks: list[Stage] = []
        self._since = time.monotonic()
        self._reset()

    def begin(self) -> None:
        """A stage begins: what came before it is forgotten."""
        self._since = time.monotonic()
        self._reset()

    def mark(self, name: str) -> None:
        """The end of a stage; a stage that happens again keeps its highest peak."""
        if self._cuda:
            import torch

            torch.cuda.synchronize()
        now = time.monotonic()
        peak, allocated = self._peak()
        found = Stage(name=name, peak_bytes=peak, allocated_bytes=allocated, seconds=round(now - self._since, 3))
        before = next((mark for mark in self.marks if mark.name == name), None)
        if before is None:
            self.marks.append(found)
        elif found.peak_bytes > before.peak_bytes:
            self.marks[self.marks.index(before)] = found
        self._since = now
        self._reset()

    @contextmanager
    def watching(self, trainer: Any) -> Iterator[None]:
        """Inside, the trainer marks the stages of its steps; a step's first forward passes end its `forward`."""
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

        hook, marker = trainer.model.register_forward_hook(after_forward), Stages()
        trainer.add_callback(marker)
        try:
            yield
        finally:
            hook.remove()
            trainer.remove_callback(marker)

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
