"""The probe answers whatever fails: each NVML call is taken away in turn, and the rest stays true."""

# ruff: noqa: N802 - the fake speaks NVML's own names

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from advisor.facts import facts_from
from tuner_tui.commands import probe as command
from tuner_tui.probe import probe, sample
from tuner_tui.probe.host import memory_limit
from tuner_tui.probe.visible import is_visible

GIB = 1024**3
CALLS = (
    "nvmlSystemGetDriverVersion",
    "nvmlSystemGetCudaDriverVersion_v2",
    "nvmlDeviceGetCount",
    "nvmlDeviceGetHandleByIndex",
    "nvmlDeviceGetName",
    "nvmlDeviceGetUUID",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetCudaComputeCapability",
    "nvmlDeviceGetUtilizationRates",
    "nvmlDeviceGetTemperature",
    "nvmlDeviceGetPowerUsage",
    "nvmlDeviceGetEnforcedPowerLimit",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetComputeRunningProcesses",
    "nvmlDeviceGetGraphicsRunningProcesses",
)


class Driver:
    """NVML of a machine with two GPUs and one neighbour, the first `broken` calls of which fail."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in object.__getattribute__(self, "broken"):
            raise RuntimeError(f"{name}: Not Supported")
        return object.__getattribute__(self, name)

    def nvmlInit(self) -> None: ...
    def nvmlSystemGetDriverVersion(self) -> bytes:
        return b"570.86.10"

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:
        return 12080

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index > 1:
            raise RuntimeError("Invalid Argument")
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:
        return ("NVIDIA GeForce RTX 4090", "NVIDIA T4")[handle]

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}aaa"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(total=(24 * GIB, 15 * GIB)[handle], free=(20 * GIB, 14 * GIB)[handle], used=GIB)

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return ((8, 9), (7, 5))[handle]

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=31, memory=5)

    def nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        return 55

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        return 120_500

    def nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:
        return 450_000

    def nvmlDeviceGetMigMode(self, handle: int) -> tuple[int, int]:
        return (0, 0)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=999_999, usedGpuMemory=3 * GIB)] if handle == 0 else []

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=999_999, usedGpuMemory=None)] if handle == 0 else []


def test_a_whole_driver_gives_every_field() -> None:
    machine = probe(library=Driver(), environ={})
    first, second = machine.gpus or ()
    assert (first.name, first.vram_gb, first.free_gb, first.bf16) == ("NVIDIA GeForce RTX 4090", 24, 20, True)
    assert (second.bf16, second.compute_capability, second.power_w) == (False, "7.5", 120.5)
    assert (machine.driver, machine.cuda, machine.free_gb) == ("570.86.10", "12.8", 20)
    assert [(p.gpu, p.pid, p.used_gb, p.own) for p in machine.processes or ()] == [(0, 999_999, 3, False)]
    assert not first.unread


@pytest.mark.parametrize("call", CALLS)
def test_one_failing_call_costs_only_its_own_field(call: str) -> None:
    machine = probe(library=Driver(call), environ={})
    if call == "nvmlDeviceGetHandleByIndex":
        assert [gpu.unread for gpu in machine.gpus or ()] == [(call,), (call,)]
        return
    names = [gpu.name for gpu in machine.gpus or ()]
    assert len(names) == 2
    assert (names[0] is None) == (call == "nvmlDeviceGetName")
    assert (machine.driver is None) == (call == "nvmlSystemGetDriverVersion")
    assert (machine.free_gb is None) == (call == "nvmlDeviceGetMemoryInfo")
    assert machine.hardware.ram_gb
    facts_from({"hardware": json.loads(json.dumps(command.document(machine)["hardware"]))}, "probe")


@pytest.mark.parametrize("call", CALLS)
def test_the_words_are_printed_whatever_fails(call: str) -> None:
    assert len(command.lines(probe(library=Driver(call), environ={}))) >= 5


def test_every_call_failing_still_answers() -> None:
    machine = probe(library=Driver(*CALLS), environ={})
    assert machine.gpus is None
    assert machine.hardware.gpus is None
    assert machine.processes is None
    assert machine.disk.free_gb


def test_no_driver_means_no_gpu_unless_traces_say_otherwise(tmp_path: Path) -> None:
    absent = probe(library=Driver("nvmlInit"), root=tmp_path, environ={})
    assert absent.hardware.gpus == []
    assert "Not Supported" in (absent.nvml_error or "")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia0").touch()
    assert probe(library=Driver("nvmlInit"), root=tmp_path, environ={}).hardware.gpus is None


def test_hidden_gpus_are_shown_but_not_counted_on() -> None:
    machine = probe(library=Driver(), environ={"CUDA_VISIBLE_DEVICES": "1"})
    assert [gpu.visible for gpu in machine.gpus or ()] == [False, True]
    assert [gpu.name for gpu in machine.hardware.gpus or ()] == ["NVIDIA T4"]
    assert machine.free_gb == 14


@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        (None, [True, True]),
        ("", [False, False]),
        ("-1", [False, False]),
        ("1,-1,0", [False, True]),
        ("GPU-0", [True, False]),
        ("nonsense", [False, False]),
    ],
)
def test_visible_devices_read_as_cuda_does(setting: str | None, seen: list[bool]) -> None:
    assert [is_visible(setting, i, f"GPU-{i}aaa") for i in range(2)] == seen


def test_a_unified_machine_counts_its_memory_as_the_gpus() -> None:
    driver = Driver("nvmlDeviceGetMemoryInfo")
    driver.nvmlDeviceGetName = lambda handle: "NVIDIA GB10"  # type: ignore[method-assign]
    machine = probe(library=driver, environ={})
    assert machine.unified
    assert [gpu.vram_gb for gpu in machine.hardware.gpus or ()] == [machine.hardware.ram_gb] * 2


def test_a_container_limit_binds(tmp_path: Path) -> None:
    for name, text in (("proc/self/cgroup", "0::/a/b\n"), ("sys/fs/cgroup/a/memory.max", f"{2 * GIB}\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert memory_limit(tmp_path) == 2 * GIB
    assert probe(library=None, root=tmp_path, environ={}).hardware.ram_gb == 2


def test_a_live_reading_names_its_source() -> None:
    by_nvml = sample(library=Driver("nvmlDeviceGetPowerUsage"))
    assert [(r.device, r.source, r.used_bytes, r.power_w) for r in by_nvml] == [
        ("cuda:0", "nvml", GIB, None),
        ("cuda:1", "nvml", GIB, None),
    ]
    by_host = sample(library=Driver(*CALLS))
    assert [(r.device, r.source) for r in by_host] == [("cpu", "host")]
    assert (by_host[0].process_bytes or 0) > 1_000_000


class Sliced(Driver):
    """One of the GPUs is cut into two slices."""

    def nvmlDeviceGetMigMode(self, handle: Any) -> tuple[int, int]:
        if handle == "slice":
            raise RuntimeError("Not Supported")
        return (1, 1) if handle == 0 else (0, 0)

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: int) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: int, at: int) -> str:
        if at > 1:
            raise RuntimeError("Not Found")
        return "slice"

    def nvmlDeviceGetName(self, handle: Any) -> str:
        return "NVIDIA A100 MIG 1g.10gb" if handle == "slice" else super().nvmlDeviceGetName(handle)

    def nvmlDeviceGetMemoryInfo(self, handle: Any) -> SimpleNamespace:
        if handle == "slice":
            return SimpleNamespace(total=10 * GIB, free=9 * GIB, used=GIB)
        return super().nvmlDeviceGetMemoryInfo(handle)

    def nvmlDeviceGetUUID(self, handle: Any) -> str:
        return "MIG-1" if handle == "slice" else super().nvmlDeviceGetUUID(handle)

    def nvmlDeviceGetCudaComputeCapability(self, handle: Any) -> tuple[int, int]:
        if handle == "slice":
            raise RuntimeError("Not Supported")
        return super().nvmlDeviceGetCudaComputeCapability(handle)


def test_a_gpu_in_slices_is_given_slice_by_slice() -> None:
    machine = probe(library=Sliced(), environ={})
    found = [(gpu.index, gpu.slice_index, gpu.vram_gb, gpu.mig) for gpu in machine.gpus or ()]
    assert found == [(0, 0, 10, True), (0, 1, 10, True), (1, None, 15, False)]
    assert (machine.gpus or ())[0].compute_capability == "8.9"
    assert any("0:1" in line for line in command.lines(machine))


def test_used_memory_is_drawn_as_a_bar_where_it_is_known() -> None:
    assert any(line.startswith("[") for line in command.lines(probe(library=Driver(), environ={})))
    hidden = command.lines(probe(library=Driver("nvmlDeviceGetMemoryInfo"), environ={}))
    assert not any(line.startswith("[") for line in hidden)
