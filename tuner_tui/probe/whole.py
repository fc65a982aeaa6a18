"""The whole machine in one answer; NVML, file system root and environment are injected, so absence can be tested."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from advisor.facts import Gpu, Hardware
from tuner_tui import paths
from tuner_tui.probe import host, nvml
from tuner_tui.probe.machine import GpuProcess, GpuState, Machine, Space

_FIND: Any = object()
PATIENCE_S = 5.0
"""A driver that has lost its GPU can hang in any call; after this long it counts as not answering."""


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    """What NVML says; `gpus` None = it does not answer."""

    gpus: list[GpuState] | None = None
    processes: tuple[GpuProcess, ...] | None = None
    driver: str | None = None
    cuda: str | None = None
    error: str | None = None


def probe(
    *,
    library: Any = _FIND,
    root: Path = host.ROOT,
    environ: Mapping[str, str] | None = None,
    patience_s: float = PATIENCE_S,
) -> Machine:
    """Everything that can be read about this machine now. Never raises; takes milliseconds, `patience_s` at most."""
    visible = (os.environ if environ is None else environ).get("CUDA_VISIBLE_DEVICES")
    memory, space = host.ram(root), host.disk(host.guarded(paths.home) or Path.home())
    asked = _within(patience_s, lambda: _driver(library, visible, memory, root))
    usable = None if asked.gpus is None else [gpu for gpu in asked.gpus if gpu.visible]
    free = [gpu.free_gb for gpu in usable or () if gpu.free_gb is not None]
    return Machine(
        hardware=_hardware(usable, memory, space),
        gpus=None if asked.gpus is None else tuple(asked.gpus),
        processes=None if asked.processes is None else tuple(_named(process) for process in asked.processes),
        driver=asked.driver,
        cuda=asked.cuda,
        free_gb=max(free) if free else None,
        nvml_error=asked.error,
        cuda_visible_devices=visible,
        cpu=host.cpu(root),
        ram=memory,
        swap=host.swap(),
        disk=space,
        platform=host.guarded(platform.platform),
        wsl=host.is_wsl(root),
        unified=_unified(usable),
    )


def _within(patience_s: float, ask: Callable[[], Driver]) -> Driver:
    """The driver's answer, or that there was none in time; a call that hangs is left behind in its thread."""
    answers: list[Driver] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(patience_s)
    return answers[0] if answers else Driver(error=f"no answer in {patience_s:g} s")


def _driver(library: Any, visible: str | None, memory: Space, root: Path) -> Driver:
    session = nvml.start(nvml.load() if library is _FIND else library)
    gpus = _gpus(session, visible, memory, root)
    if session.library is None:
        return Driver(gpus=gpus, error=session.error)
    driver, cuda = nvml.driver_versions(session.library)
    return Driver(gpus=gpus, processes=nvml.read_processes(session.library), driver=driver, cuda=cuda)


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
