"""One live reading, cheap enough for every second: NVML is started once, and without it the host is read."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from tuner_tui.probe import host, nvml
from tuner_tui.probe.machine import Reading
from tuner_tui.probe.visible import is_visible


@cache
def _session() -> nvml.Session:
    return nvml.start(nvml.load())


def sample(*, library: Any = None, pid: int | None = None) -> tuple[Reading, ...]:
    """A reading of every GPU that CUDA lets us use, numbered as CUDA numbers them; without one, of the host.

    `process_bytes` is the memory of process `pid` (default: this one); None where the driver hides it.
    """
    pid = os.getpid() if pid is None else pid
    started = library if library is not None else _session().library
    readings = _gpus(started, pid) if started is not None else ()
    return readings or (_host(pid),)


def _gpus(library: Any, pid: int) -> tuple[Reading, ...]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    readings: list[Reading] = []
    for index, handle in nvml.handles(library):
        if handle is None:
            continue
        asker = nvml.Asker(library)
        uuid = asker.text("nvmlDeviceGetUUID", handle) if visible is not None else None
        if is_visible(visible, index, uuid):
            readings.append(_gpu(asker, handle, pid, f"cuda:{len(readings)}"))
    return tuple(readings)


def _gpu(asker: nvml.Asker, handle: Any, pid: int, device: str) -> Reading:
    memory = asker.ask("nvmlDeviceGetMemoryInfo", handle)
    util = asker.ask("nvmlDeviceGetUtilizationRates", handle)
    rows = asker.ask("nvmlDeviceGetComputeRunningProcesses", handle)
    own = [nvml.field(row, "usedGpuMemory") for row in rows or () if nvml.field(row, "pid") == pid]
    return Reading(
        device=device,
        source="nvml",
        used_bytes=nvml.field(memory, "used"),
        total_bytes=nvml.field(memory, "total"),
        process_bytes=own[0] if own else None,
        util_pct=nvml.number(getattr(util, "gpu", None)),
        temp_c=asker.number("nvmlDeviceGetTemperature", handle, 0),
        power_w=asker.number("nvmlDeviceGetPowerUsage", handle, scale=0.001),
    )


def _host(pid: int) -> Reading:
    def look(name: str, *args: Any) -> Any:
        import psutil

        return getattr(psutil, name)(*args)

    memory = host.guarded(lambda: look("virtual_memory"))
    total, free = getattr(memory, "total", None), getattr(memory, "available", None)
    limit = host.memory_limit()
    used = None if total is None or free is None else total - free
    if limit is not None and (total is None or limit < total):
        total, used = limit, host.memory_used()
    return Reading(
        device="cpu",
        source="host",
        used_bytes=used,
        total_bytes=total,
        process_bytes=host.guarded(lambda: int(look("Process", pid).memory_info().rss)),
        util_pct=host.guarded(lambda: float(look("cpu_percent", None))),
    )
