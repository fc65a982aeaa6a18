"""The whole machine in one answer; NVML, file system root and environment are injected, so absence can be tested."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from advisor.facts import Gpu, Hardware
from tuner_tui import paths
from tuner_tui.probe import host, nvml
from tuner_tui.probe.machine import GpuProcess, GpuState, Machine, Space

_FIND: Any = object()


def probe(*, library: Any = _FIND, root: Path = host.ROOT, environ: Mapping[str, str] | None = None) -> Machine:
    """Everything that can be read about this machine now. Never raises; takes milliseconds."""
    visible = (os.environ if environ is None else environ).get("CUDA_VISIBLE_DEVICES")
    session = nvml.start(nvml.load() if library is _FIND else library)
    memory, space = host.ram(root), host.disk(host.guarded(paths.home) or Path.home())
    gpus = _gpus(session, visible, memory, root)
    driver, cuda = nvml.driver_versions(session.library) if session.library else (None, None)
    processes = nvml.read_processes(session.library) if session.library else None
    usable = None if gpus is None else [gpu for gpu in gpus if gpu.visible]
    free = [gpu.free_gb for gpu in usable or () if gpu.free_gb is not None]
    return Machine(
        hardware=_hardware(usable, memory, space),
        gpus=None if gpus is None else tuple(gpus),
        processes=None if processes is None else tuple(_named(process) for process in processes),
        driver=driver,
        cuda=cuda,
        free_gb=max(free) if free else None,
        nvml_error=session.error,
        cuda_visible_devices=visible,
        cpu=host.cpu(root),
        ram=memory,
        swap=host.swap(),
        disk=space,
        platform=host.guarded(platform.platform),
        wsl=host.is_wsl(root),
        unified=_unified(usable),
    )


def _gpus(session: nvml.Session, visible: str | None, memory: Space, root: Path) -> list[GpuState] | None:
    if session.library is None:
        return None if host.gpu_traces(root) else []
    found = [_share_memory(gpu, memory) for gpu in nvml.read_gpus(session.library, visible)]
    return found if found or nvml.counts(session.library) else None


def _share_memory(gpu: GpuState, memory: Space) -> GpuState:
    """On a unified-memory machine NVML reports no memory: the GPU's memory is the machine's."""
    if not gpu.unified or gpu.vram_gb is not None:
        return gpu
    return msgspec.structs.replace(gpu, vram_gb=memory.limit_gb or memory.total_gb, free_gb=memory.free_gb)


def _unified(usable: list[GpuState] | None) -> bool | None:
    if not usable:
        return platform.system() == "Darwin" and platform.machine() == "arm64"
    known = [gpu.unified for gpu in usable if gpu.unified is not None]
    return any(known) if known else None


def _hardware(usable: list[GpuState] | None, memory: Space, space: Space) -> Hardware:
    gpus = None
    if usable is not None:
        gpus = [Gpu(name=gpu.name, vram_gb=gpu.vram_gb, free_gb=gpu.free_gb) for gpu in usable]
    return Hardware(gpus=gpus, ram_gb=memory.limit_gb or memory.total_gb, disk_gb=space.free_gb)


def _named(process: GpuProcess) -> GpuProcess:
    """The process's name and user, where the system tells; ours are this process and its children."""

    def look() -> GpuProcess:
        import psutil

        found = psutil.Process(process.pid)
        parents = {parent.pid for parent in found.parents()} | {found.pid}
        return msgspec.structs.replace(
            process,
            name=host.guarded(found.name),
            user=host.guarded(found.username),
            own=os.getpid() in parents,
        )

    return host.guarded(look) or process
