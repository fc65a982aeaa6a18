"""GPUs by NVML: each call is guarded alone, so that one that fails costs one field and nothing else."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from tuner_tui.probe.machine import GpuProcess, GpuState, gib
from tuner_tui.probe.visible import is_visible

MAX_GPUS = 64
_UNIFIED = re.compile(r"\b(GB10|Orin|Thor|Xavier|Tegra|Jetson)\b", re.IGNORECASE)


class Session(msgspec.Struct, frozen=True):
    """A started NVML library, or the reason why there is none."""

    library: Any = None
    error: str | None = None


def load() -> Any:
    """The NVML binding, or None where it is not installed or broken."""
    try:
        import pynvml
    except Exception:
        return None
    return pynvml


def start(library: Any) -> Session:
    """Start NVML; never raises."""
    if library is None:
        return Session(None, "pynvml is not installed")
    try:
        library.nvmlInit()
    except Exception as error:
        return Session(None, str(error) or type(error).__name__)
    return Session(library)


class Asker:
    """Calls one NVML function at a time; what failed is remembered in `unread`, and the answer is None."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.unread: list[str] = []

    def ask(self, name: str, *args: Any) -> Any:
        """The call's answer, or None."""
        try:
            return getattr(self.library, name)(*args)
        except Exception:
            self.unread.append(name)
            return None

    def number(self, name: str, *args: Any, scale: float = 1.0) -> float | None:
        """A number, scaled; None for anything else."""
        return number(self.ask(name, *args), scale)

    def text(self, name: str, *args: Any) -> str | None:
        """Text; older bindings answer in bytes."""
        value = self.ask(name, *args)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        return value if isinstance(value, str) and value else None


def number(value: Any, scale: float = 1.0) -> float | None:
    """A finite number times `scale`, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return round(value * scale, 2)


def field(value: Any, name: str) -> int | None:
    """A non-negative whole number out of an NVML structure, else None (NVML's "not available" is all ones)."""
    found = getattr(value, name, None)
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < 2**63:
        return None
    return found


def driver_versions(library: Any) -> tuple[str | None, str | None]:
    """Driver version, and the newest CUDA that it supports as "12.8"."""
    asker = Asker(library)
    cuda = asker.ask("nvmlSystemGetCudaDriverVersion_v2") or asker.ask("nvmlSystemGetCudaDriverVersion")
    known = isinstance(cuda, int) and cuda > 0
    return asker.text("nvmlSystemGetDriverVersion"), f"{cuda // 1000}.{cuda % 1000 // 10}" if known else None


def handles(library: Any) -> list[tuple[int, Any]]:
    """Index and handle of every GPU; a GPU whose handle fails is kept with None (it is there, but lost)."""
    asker = Asker(library)
    count = asker.ask("nvmlDeviceGetCount")
    if isinstance(count, int) and not isinstance(count, bool):
        return [(i, asker.ask("nvmlDeviceGetHandleByIndex", i)) for i in range(min(max(count, 0), MAX_GPUS))]
    found = []
    for i in range(MAX_GPUS):
        handle = asker.ask("nvmlDeviceGetHandleByIndex", i)
        if handle is None:
            break
        found.append((i, handle))
    return found


def counts(library: Any) -> bool:
    """Whether the driver says how many GPUs there are; without that, finding none means nothing."""
    count = Asker(library).ask("nvmlDeviceGetCount")
    return isinstance(count, int) and not isinstance(count, bool)


def read_gpus(library: Any, visible: str | None) -> list[GpuState]:
    """Every GPU; one that is cut into MIG slices is given slice by slice, as CUDA sees it."""
    states: list[GpuState] = []
    for index, handle in handles(library):
        state = read_gpu(library, index, handle)
        slices = read_slices(library, handle, state) if state.mig else []
        states += slices or [state]
    return [msgspec.structs.replace(s, visible=is_visible(visible, s.index, s.uuid)) for s in states]


def read_gpu(library: Any, index: int, handle: Any) -> GpuState:
    """One GPU, each field on its own."""
    if handle is None:
        return GpuState(index=index, unread=("nvmlDeviceGetHandleByIndex",))
    asker = Asker(library)
    memory = asker.ask("nvmlDeviceGetMemoryInfo", handle)
    name = asker.text("nvmlDeviceGetName", handle)
    capability = _capability(asker.ask("nvmlDeviceGetCudaComputeCapability", handle))
    mig = asker.ask("nvmlDeviceGetMigMode", handle)
    util = asker.ask("nvmlDeviceGetUtilizationRates", handle)
    limit = asker.number("nvmlDeviceGetEnforcedPowerLimit", handle, scale=0.001)
    total = field(memory, "total")
    return GpuState(
        index=index,
        name=name,
        uuid=asker.text("nvmlDeviceGetUUID", handle),
        vram_gb=gib(total),
        free_gb=gib(field(memory, "free")),
        used_gb=gib(field(memory, "used")),
        compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
        bf16=capability >= (8, 0) if capability else None,
        util_pct=number(getattr(util, "gpu", None)),
        temp_c=asker.number("nvmlDeviceGetTemperature", handle, 0),
        power_w=asker.number("nvmlDeviceGetPowerUsage", handle, scale=0.001),
        power_limit_w=limit,
        mig=bool(mig[0]) if isinstance(mig, list | tuple) and mig else None,
        unified=bool(_UNIFIED.search(name)) if name else None,
        unread=tuple(asker.unread),
    )


def _capability(value: Any) -> tuple[int, int] | None:
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(part, int) for part in value):
        return int(value[0]), int(value[1])
    return None


def read_slices(library: Any, handle: Any, parent: GpuState) -> list[GpuState]:
    """The MIG slices of one GPU; what a slice does not answer is taken from the GPU, except its memory."""
    asker = Asker(library)
    most = asker.ask("nvmlDeviceGetMaxMigDeviceCount", handle)
    found = []
    for at in range(min(most, MAX_GPUS)) if isinstance(most, int) else ():
        piece = asker.ask("nvmlDeviceGetMigDeviceHandleByIndex", handle, at)
        if piece is None:
            continue
        own = read_gpu(library, parent.index, piece)
        found.append(
            msgspec.structs.replace(
                own,
                slice_index=at,
                mig=True,
                name=own.name or parent.name,
                compute_capability=own.compute_capability or parent.compute_capability,
                bf16=parent.bf16 if own.bf16 is None else own.bf16,
            )
        )
    return found


def read_processes(library: Any) -> tuple[GpuProcess, ...] | None:
    """Everything that holds memory on any GPU, ours and the neighbours'; None where the driver does not say."""
    best: dict[tuple[int, int], int | None] = {}
    answered = False
    for index, handle in handles(library):
        for kind in ("Compute", "Graphics"):
            rows = Asker(library).ask(f"nvmlDeviceGet{kind}RunningProcesses", handle)
            answered = answered or rows is not None
            for row in rows if isinstance(rows, list | tuple) else ():
                pid = field(row, "pid")
                if pid is not None:
                    key = (index, pid)
                    used = field(row, "usedGpuMemory")
                    best[key] = max(filter(None, (best.get(key), used)), default=used)
    if not answered:
        return None
    return tuple(GpuProcess(gpu=gpu, pid=pid, used_gb=gib(used)) for (gpu, pid), used in sorted(best.items()))
