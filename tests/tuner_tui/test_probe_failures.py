"""Each NVML call fails in each of the ways that drivers fail in, one by one: its field is lost, and nothing else."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pynvml
import pytest

from advisor.facts import facts_from
from tests.tuner_tui.test_probe import CALLS, Driver, Sliced
from tuner_tui.commands import probe as command
from tuner_tui.probe import GpuState, Machine, probe
from tuner_tui.probe.visible import is_visible
from tuner_tui.probe.whole import probe as probe_within
from tuner_tui.words import words

FIELDS: dict[str, tuple[str, ...]] = {
    "nvmlDeviceGetName": ("name", "unified"),
    "nvmlDeviceGetUUID": ("uuid",),
    "nvmlDeviceGetMemoryInfo": ("vram_gb", "free_gb", "used_gb"),
    "nvmlDeviceGetCudaComputeCapability": ("compute_capability", "bf16"),
    "nvmlDeviceGetUtilizationRates": ("util_pct",),
    "nvmlDeviceGetTemperature": ("temp_c",),
    "nvmlDeviceGetPowerUsage": ("power_w",),
    "nvmlDeviceGetEnforcedPowerLimit": ("power_limit_w",),
    "nvmlDeviceGetMigMode": ("mig",),
}


def failing(code: int) -> Callable[[], Any]:
    """A call that ends with a real error of the real binding."""

    def call() -> Any:
        raise pynvml.NVMLError(code)

    return call


def unloadable() -> Any:
    """A driver library that is gone from under the process."""
    raise OSError("libnvidia-ml.so.1: cannot open shared object file")


def absent() -> Any:
    """A binding older than the call."""
    raise AttributeError("module 'pynvml' has no such function")


KINDS: dict[str, Callable[[], Any]] = {
    "not supported": failing(pynvml.NVML_ERROR_NOT_SUPPORTED),
    "no permission": failing(pynvml.NVML_ERROR_NO_PERMISSION),
    "lost": failing(pynvml.NVML_ERROR_GPU_IS_LOST),
    "function not found": failing(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND),
    "mismatch": failing(pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH),
    "timeout": failing(pynvml.NVML_ERROR_TIMEOUT),
    "unknown": failing(pynvml.NVML_ERROR_UNKNOWN),
    "not started": failing(pynvml.NVML_ERROR_UNINITIALIZED),
    "library gone": unloadable,
    "old binding": absent,
    "none": lambda: None,
    "nonsense": lambda: "N/A",
    "nan": lambda: float("nan"),
    "empty": lambda: (),
}


class Failing(Driver):
    """The two-GPU driver with one call replaced by a failure."""

    def __init__(self, call: str, fail: Callable[[], Any]) -> None:
        super().__init__()
        setattr(self, call, lambda *_: fail())


def known(machine: Machine) -> dict[str, Any]:
    """The first GPU's fields."""
    first: GpuState = (machine.gpus or ())[0]
    return {name: getattr(first, name) for name in first.__struct_fields__}


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """The first GPU when nothing fails."""
    return known(probe(library=Driver(), environ={}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", CALLS)
def test_a_failure_costs_its_own_fields_and_both_outputs_stay_right(
    call: str, kind: str, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = probe(library=Failing(call, KINDS[kind]), environ={})
    lost = FIELDS.get(call, ())
    if call not in ("nvmlDeviceGetHandleByIndex",) and not (call == "nvmlDeviceGetName" and kind == "nonsense"):
        found = known(machine)
        assert {n: v for n, v in found.items() if n not in (*lost, "unread")} == {
            n: v for n, v in whole.items() if n not in (*lost, "unread")
        }
        assert all(found[name] is None or name == "uuid" for name in lost)
    monkeypatch.setattr(command, "probe", lambda: machine)
    for as_json in (False, True):
        assert command.run(type("Args", (), {"json": as_json})()) == 0
    text = capsys.readouterr().out
    document = json.loads(text[text.index("\n{") + 1 :] if "\n{" in text else text)
    facts_from({"hardware": document["hardware"]}, "probe")
    assert "NaN" not in text
    assert "None" not in text


def test_a_driver_without_its_library_or_its_module_is_told_from_no_gpu(tmp_path: Path) -> None:
    for fail in (failing(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND), failing(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)):
        machine = probe(library=Failing("nvmlInit", fail), root=tmp_path, environ={})
        assert machine.gpus == ()
        assert machine.nvml_error
    assert probe(library=None, root=tmp_path, environ={}).nvml_error == "pynvml is not installed"


@pytest.mark.parametrize("call", ["nvmlInit", "nvmlDeviceGetCount", "nvmlDeviceGetMemoryInfo"])
def test_a_driver_that_hangs_counts_as_one_that_does_not_answer(call: str) -> None:
    release = threading.Event()
    try:
        machine = probe_within(library=Failing(call, lambda: release.wait(60)), environ={}, patience_s=0.05)
    finally:
        release.set()
    assert machine.gpus is None
    assert "no answer" in (machine.nvml_error or "")
    assert machine.hardware.gpus is None
    assert machine.hardware.ram_gb
    assert any("no answer" in line for line in command.lines(machine))


MIG_CALLS = ("nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", MIG_CALLS)
def test_a_gpu_whose_slices_cannot_be_read_is_given_whole(call: str, kind: str) -> None:
    driver = Sliced()
    setattr(driver, call, lambda *_: KINDS[kind]())
    machine = probe(library=driver, environ={})
    first = (machine.gpus or ())[0]
    assert first.mig is True
    if KINDS[kind].__name__ != "<lambda>":
        assert (first.slice_index, first.vram_gb) == (None, 24)
    assert len(command.lines(machine)) >= 5


UUIDS = ("GPU-11aa22bb-0000", "GPU-11cc22dd-0000")


@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        ("0", [True, False]),
        ("1,0", [True, True]),
        ("0,0", [True, False]),
        (" 1 ", [False, True]),
        ("GPU-11aa", [True, False]),
        ("GPU-11cc22dd-0000", [False, True]),
        ("GPU-11aa,1", [True, True]),
        ("GPU-ffff", [False, False]),
        ("MIG-GPU-11aa22bb-0000/1/0", [False, False]),
        ("2", [False, False]),
        ("NoDevFiles", [False, False]),
        ("0;1", [False, False]),
        ("0,nonsense,1", [True, False]),
    ],
)
def test_every_form_of_visible_devices_selects_as_cuda_does(setting: str, seen: list[bool]) -> None:
    assert [is_visible(setting, at, UUIDS[at]) for at in range(2)] == seen


def test_without_uuids_only_indices_select() -> None:
    machine = probe(library=Driver("nvmlDeviceGetUUID"), environ={"CUDA_VISIBLE_DEVICES": "GPU-0aaa"})
    assert [gpu.visible for gpu in machine.gpus or ()] == [False, False]
    assert machine.hardware.gpus == []


@pytest.fixture
def wsl(tmp_path: Path) -> Path:
    """The root of a Linux inside Windows, where the driver hides what processes hold."""
    release = tmp_path / "proc/sys/kernel/osrelease"
    release.parent.mkdir(parents=True)
    release.write_text("5.15.153.1-microsoft-standard-WSL2\n")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/dxg").touch()
    return tmp_path


def test_windows_linux_is_named_and_its_hidden_processes_are_unknown(wsl: Path) -> None:
    calls = ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses")
    machine = probe(library=Driver(*calls), root=wsl, environ={})
    assert machine.wsl is True
    assert machine.processes is None
    assert words().say("probe.wsl") in command.lines(machine)
    assert probe(library=Driver("nvmlInit"), root=wsl, environ={}).gpus is None


@pytest.mark.parametrize("name", ["NVIDIA GB10", "Orin (nvgpu)", "NVIDIA Thor"])
def test_unified_machines_share_their_memory_and_say_so(name: str) -> None:
    driver = Driver("nvmlDeviceGetMemoryInfo")
    driver.nvmlDeviceGetName = lambda handle: name  # type: ignore[method-assign]
    machine = probe(library=driver, environ={})
    assert machine.unified is True
    assert machine.free_gb == machine.ram.free_gb
    assert words().say("probe.unified") in command.lines(machine)


def test_used_memory_of_a_process_that_the_driver_hides_is_unknown_not_all_ones() -> None:
    row = type("Row", (), {"pid": 999_999, "usedGpuMemory": 2**64 - 1})()
    driver = Failing("nvmlDeviceGetComputeRunningProcesses", lambda: [row])
    assert [one.used_gb for one in probe(library=driver, environ={}).processes or ()] == [None, None]
