"""Where a run could go, with the neighbours' memory already taken off."""

from __future__ import annotations

from typing import NamedTuple

from tuner_tui.runs.locks import try_lock


class Device(NamedTuple):
    """One device: the lock's name, what CUDA must be told (None = nothing), bytes (None = not known)."""

    lock: str
    visible: str | None
    free_bytes: int | None
    total_bytes: int | None = None


def devices(wanted: tuple[int, ...] = ()) -> list[Device]:
    """The devices of this machine, of GPUs only the `wanted` indexes if any; the host where there is no GPU."""
    from tuner_tui.probe import probe

    machine = probe()
    gpus = [gpu for gpu in machine.gpus or () if gpu.visible and (not wanted or gpu.index in wanted)]
    if machine.gpus:
        return [
            Device(gpu.uuid or f"gpu-{gpu.index}", gpu.uuid or str(gpu.index), _bytes(gpu.free_gb), _bytes(gpu.vram_gb))
            for gpu in gpus
        ]
    return [Device("cpu", None, _bytes(machine.ram.free_gb), _bytes(machine.ram.limit_gb or machine.ram.total_gb))]


def free_locks() -> list[int]:
    """The locks of all devices that nobody holds, for a run that starts without waiting: those who wait then see it."""
    found = (try_lock(device.lock) for device in devices())
    return [lock for lock in found if lock is not None]


def _bytes(gib: float | None) -> int | None:
    return None if gib is None else int(gib * 2**30)
