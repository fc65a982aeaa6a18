"""What this machine has and what it is doing now; a field that cannot be read is None, and nothing here ever raises."""

from __future__ import annotations

from tuner_tui.probe.live import sample
from tuner_tui.probe.machine import Cpu, GpuProcess, GpuState, Machine, Reading, Space, Swap
from tuner_tui.probe.whole import probe

__all__ = ["Cpu", "GpuProcess", "GpuState", "Machine", "Reading", "Space", "Swap", "probe", "sample"]
