"""The host without its GPUs: processor, memory, swap, disk and the limits that a container sets on them."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tuner_tui.probe.machine import Cpu, Space, Swap, gib

T = TypeVar("T")
ROOT = Path("/")


def guarded(read: Callable[[], T]) -> T | None:
    """The answer, or None when it cannot be read for whatever reason."""
    try:
        return read()
    except Exception:
        return None


def _psutil() -> Any:
    import psutil

    return psutil


def read_line(path: Path) -> str | None:
    """A small file's text, stripped; None when it cannot be read."""
    return guarded(lambda: path.read_text(encoding="utf-8", errors="replace").strip())


def cpu(root: Path = ROOT) -> Cpu:
    """Model, cores, threads, and how many threads this process may really use."""
    return Cpu(
        model=_cpu_model(root),
        cores=guarded(lambda: _psutil().cpu_count(logical=False)),
        threads=guarded(lambda: _psutil().cpu_count()),
        usable=_usable_threads(root),
    )


def _cpu_model(root: Path) -> str | None:
    for line in (read_line(root / "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() in ("model name", "hardware") and value.strip():
            return value.strip()
    return guarded(platform.processor) or guarded(platform.machine)


def _usable_threads(root: Path) -> float | None:
    affinity = guarded(lambda: float(len(os.sched_getaffinity(0)))) or guarded(lambda: float(os.cpu_count() or 0))
    quota = _cpu_quota(root)
    known = [value for value in (affinity, quota) if value]
    return min(known) if known else None


def _cpu_quota(root: Path) -> float | None:
    """Threads' worth of time that the cgroup allows, from `cpu.max` ("200000 100000" = 2)."""
    limits = []
    for folder in cgroup_folders(root):
        quota, _, period = (read_line(folder / "cpu.max") or "").partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            limits.append(int(quota) / int(period))
    return min(limits) if limits else None


def cgroup_folders(root: Path) -> list[Path]:
    """This process's cgroup (version 2) and all above it: a limit on any of them binds."""
    base = root / "sys/fs/cgroup"
    own = next(
        (line[3:] for line in (read_line(root / "proc/self/cgroup") or "").splitlines() if line.startswith("0::")), "/"
    )
    parts = [part for part in own.split("/") if part not in ("", "..")]
    return [base.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def memory_limit(root: Path = ROOT) -> int | None:
    """The tightest cgroup memory limit in bytes (versions 2 and 1), None when there is none."""
    texts = [read_line(folder / "memory.max") for folder in cgroup_folders(root)]
    texts.append(read_line(root / "sys/fs/cgroup/memory/memory.limit_in_bytes"))
    limits = [int(text) for text in texts if text and text.isdecimal() and int(text) < 2**60]
    return min(limits) if limits else None


def memory_used(root: Path = ROOT) -> int | None:
    """Bytes that the limited cgroup holds, page cache that can be dropped left out."""
    for folder in cgroup_folders(root):
        used = read_line(folder / "memory.current")
        if used and used.isdecimal() and (read_line(folder / "memory.max") or "max") != "max":
            return int(used) - _droppable(folder)
    return None


def _droppable(folder: Path) -> int:
    for line in (read_line(folder / "memory.stat") or "").splitlines():
        key, _, value = line.partition(" ")
        if key == "inactive_file" and value.isdecimal():
            return int(value)
    return 0


def ram(root: Path = ROOT) -> Space:
    """Memory of the machine and what is free for us, within a container's limit."""
    memory = guarded(lambda: _psutil().virtual_memory())
    total, free = getattr(memory, "total", None), getattr(memory, "available", None)
    limit = memory_limit(root)
    if limit is None or (total is not None and limit >= total):
        return Space(total_gb=gib(total), free_gb=gib(free))
    used = memory_used(root)
    room = None if used is None else max(limit - used, 0)
    known = [value for value in (free, room) if value is not None]
    return Space(total_gb=gib(total), free_gb=gib(min(known)) if known else None, limit_gb=gib(limit))


def swap() -> Swap:
    """Swap of the machine."""
    memory = guarded(lambda: _psutil().swap_memory())
    return Swap(total_gb=gib(getattr(memory, "total", None)), free_gb=gib(getattr(memory, "free", None)))


def disk(path: Path) -> Space:
    """Room on the disk that holds `path`; a folder that does not exist yet counts as its nearest parent."""
    here = next((folder for folder in (path, *path.parents) if guarded(folder.exists)), ROOT)
    usage = guarded(lambda: _psutil().disk_usage(str(here)))
    return Space(total_gb=gib(getattr(usage, "total", None)), free_gb=gib(getattr(usage, "free", None)), path=str(here))


def is_wsl(root: Path = ROOT) -> bool:
    """Whether this Linux runs inside Windows."""
    return "microsoft" in (read_line(root / "proc/sys/kernel/osrelease") or "").lower()


def gpu_traces(root: Path = ROOT) -> bool:
    """Whether an NVIDIA GPU seems to be there although NVML does not answer."""
    return any((root / place).exists() for place in ("proc/driver/nvidia", "dev/nvidia0", "dev/nvidiactl", "dev/dxg"))
