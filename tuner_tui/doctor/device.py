"""The GPU as its driver tells it, who else is on it, and the memory and limits of the machine around it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from tuner_tui.doctor.check import Check, fail, good, warn
from tuner_tui.probe import Machine

BUSY_SHARE = 0.2
LITTLE_RAM_GB = 8.0
LITTLE_SHM_GB = 0.25
FEW_FILES = 1024


def checks(machine: Machine) -> Iterator[Check]:
    """Driver, GPUs, neighbours, memory, limits."""
    yield driver(machine)
    if machine.gpus:
        yield neighbours(machine)
    yield memory(machine)
    yield from limits()


def driver(machine: Machine) -> Check:
    """The driver answers, and CUDA may use what it tells."""
    error = machine.nvml_error or ""
    if machine.gpus is None:
        case = "mismatch" if "mismatch" in error.lower() else "silent"
        return fail("driver", case, detail=error or "?")
    if not machine.gpus:
        return warn("driver", "no_binding", detail=error) if "pynvml" in error else warn("driver", "no_gpu")
    usable = [gpu for gpu in machine.gpus if gpu.visible]
    if not usable:
        return warn("driver", "hidden", value=machine.cuda_visible_devices or '""', count=len(machine.gpus))
    names = ", ".join(gpu.name or "?" for gpu in usable)
    known = {"gpus": names, "driver": machine.driver or "?", "cuda": machine.cuda or "?"}
    return warn("driver", "mig", **known) if any(gpu.mig for gpu in usable) else good("driver", **known)


def neighbours(machine: Machine) -> Check:
    """Whether others hold much of the memory."""
    others = [each for each in machine.processes or () if not each.own]
    usable = [gpu for gpu in machine.gpus or () if gpu.visible and gpu.vram_gb]
    crowded = [gpu for gpu in usable if gpu.free_gb is not None and gpu.free_gb < (1 - BUSY_SHARE) * (gpu.vram_gb or 0)]
    if not crowded:
        return good("neighbours")
    holders = ", ".join(f"{each.name or '?'} ({each.pid}, {each.user or '?'})" for each in others) or "?"
    free = min(gpu.free_gb or 0.0 for gpu in crowded)
    return warn("neighbours", "busy", free=f"{free:g}", holders=holders)


def memory(machine: Machine) -> Check:
    """Memory of the machine, or of the container that we are in."""
    room = machine.ram.limit_gb or machine.ram.total_gb
    if room is None:
        return warn("memory", "unknown")
    known = {"room": f"{room:g}", "free": "?" if machine.ram.free_gb is None else f"{machine.ram.free_gb:g}"}
    case = "limited" if machine.ram.limit_gb else "ok"
    return warn("memory", "little", **known) if room < LITTLE_RAM_GB else good("memory", case, **known)


def limits(shared: str = "/dev/shm") -> Iterator[Check]:
    """Open files and shared memory: too little of them fails late and in odd words."""
    import resource

    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    few = files != resource.RLIM_INFINITY and files < FEW_FILES
    yield warn("files", "few", count=files, wanted=FEW_FILES) if few else good("files", count=files)
    try:
        found = os.statvfs(shared)
    except OSError:
        return
    size = found.f_blocks * found.f_frsize / 2**30
    shown = {"size": f"{size:.2f}", "path": shared}
    yield warn("shm", "little", **shown) if size < LITTLE_SHM_GB else good("shm", **shown)
