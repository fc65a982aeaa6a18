"""The shape of a probe's answer: every field may be None, which means that it could not be read."""

from __future__ import annotations

import msgspec

from advisor.facts import Hardware

GIB = 1024**3


def gib(value: int | float | None) -> float | None:
    """Bytes as GiB with two digits; None stays None."""
    return None if value is None else round(value / GIB, 2)


class GpuProcess(msgspec.Struct, frozen=True, kw_only=True):
    """One process that holds GPU memory; `used_gb` is None where the driver hides it (WSL, containers)."""

    gpu: int
    pid: int
    name: str | None = None
    user: str | None = None
    used_gb: float | None = None
    own: bool = False


class GpuState(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU or one MIG slice. `index` is the driver's; `visible` is what CUDA_VISIBLE_DEVICES leaves to us."""

    index: int
    name: str | None = None
    uuid: str | None = None
    vram_gb: float | None = None
    free_gb: float | None = None
    used_gb: float | None = None
    compute_capability: str | None = None
    bf16: bool | None = None
    util_pct: float | None = None
    temp_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    mig: bool | None = None
    slice_index: int | None = None
    unified: bool | None = None
    visible: bool = True
    unread: tuple[str, ...] = ()


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """The processor; `usable` is the number of cores that affinity and cgroup leave to this process."""

    model: str | None = None
    cores: int | None = None
    threads: int | None = None
    usable: float | None = None


class Space(msgspec.Struct, frozen=True, kw_only=True):
    """Room in GiB; `limit_gb` is a cgroup's limit where one is set below the total."""

    total_gb: float | None = None
    free_gb: float | None = None
    limit_gb: float | None = None
    path: str | None = None


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """Swap in GiB."""

    total_gb: float | None = None
    free_gb: float | None = None


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The whole machine. `hardware` is the part that the advisor reads: only GPUs that CUDA lets us use.

    `gpus` None = there seems to be one, but the driver does not answer (`nvml_error` says how); () = none.
    """

    hardware: Hardware
    gpus: tuple[GpuState, ...] | None = None
    processes: tuple[GpuProcess, ...] | None = None
    driver: str | None = None
    cuda: str | None = None
    free_gb: float | None = None
    nvml_error: str | None = None
    cuda_visible_devices: str | None = None
    cpu: Cpu = Cpu()
    ram: Space = Space()
    swap: Swap = Swap()
    disk: Space = Space()
    platform: str | None = None
    wsl: bool | None = None
    unified: bool | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One live reading: a GPU by NVML (`device` "cuda:0"), else the host (`device` "cpu"); bytes, %, C, W."""

    device: str
    source: str
    used_bytes: int | None = None
    total_bytes: int | None = None
    process_bytes: int | None = None
    util_pct: float | None = None
    temp_c: float | None = None
    power_w: float | None = None
