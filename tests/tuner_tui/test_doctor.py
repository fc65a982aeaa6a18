"""The doctor names what is wrong, says how to mend it, changes nothing, and never loads the training stack itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advisor.facts import Hardware
from tuner_tui.commands.doctor import document, lines
from tuner_tui.doctor import device, disk, installation, session, stack
from tuner_tui.doctor.check import Check, Status, guarded
from tuner_tui.probe import GpuProcess, GpuState, Machine, Space
from tuner_tui.words import words

GPU = GpuState(index=0, name="NVIDIA RTX 4090", vram_gb=24, free_gb=23, compute_capability="8.9")
TORCH: dict[str, Any] = {
    "version": "2.13.0",
    "cuda": "12.8",
    "hip": None,
    "available": True,
    "archs": ["sm_80", "sm_90", "compute_90"],
    "devices": [{"name": "NVIDIA RTX 4090", "capability": [8, 9]}],
    "worked": True,
}


def machine(**known: Any) -> Machine:
    return Machine(hardware=Hardware(), **{"gpus": (GPU,), "driver": "570.86", "cuda": "12.8", **known})


def told(check: Check) -> tuple[Status, str]:
    """The verdict; on the way every sentence of it must exist in both languages."""
    for lang in ("en", "ko"):
        assert "{" not in check.text(words(lang))
        if check.status is not Status.OK:
            assert "{" not in (check.mend(words(lang)) or "")
    return check.status, check.case


@pytest.mark.parametrize(
    ("answer", "known", "verdict"),
    [
        (TORCH, {}, (Status.OK, "ok")),
        ({**TORCH, "cuda": None, "available": False}, {}, (Status.FAIL, "cpu_build")),
        ({**TORCH, "cuda": None, "available": False}, {"gpus": ()}, (Status.OK, "cpu")),
        ({**TORCH, "available": False}, {"gpus": ()}, (Status.OK, "cpu")),
        ({**TORCH, "cuda": "13.0", "available": False}, {}, (Status.FAIL, "driver_old")),
        ({**TORCH, "cuda": "12.9"}, {}, (Status.OK, "ok")),
        ({**TORCH, "available": False, "detail": "busy"}, {}, (Status.FAIL, "no_answer")),
        ({**TORCH, "devices": [{"name": "GTX 1080", "capability": [6, 1]}]}, {}, (Status.FAIL, "arch")),
        ({**TORCH, "devices": [{"name": "B200", "capability": [10, 0]}]}, {}, (Status.OK, "ok")),
        ({**TORCH, "worked": False, "detail": "ECC"}, {}, (Status.FAIL, "wrong")),
        ({**TORCH, "hip": "6.4", "cuda": None}, {}, (Status.WARN, "rocm")),
        ({"error": "ModuleNotFoundError: No module named 'torch'"}, {}, (Status.FAIL, "missing")),
        ({"error": "signal 4"}, {}, (Status.FAIL, "broken")),
        ({"error": "slow"}, {}, (Status.WARN, "slow")),
    ],
)
def test_pytorch_is_held_against_the_driver(answer: dict[str, Any], known: Any, verdict: tuple[Status, str]) -> None:
    assert told(stack.torch(answer, machine(**known))) == verdict


@pytest.mark.parametrize(
    ("capability", "archs", "runs"),
    [
        ([8, 9], ["sm_80"], True),
        ([8, 0], ["sm_86"], False),
        ([9, 0], ["sm_80"], False),
        ([9, 0], ["compute_80"], True),
        ([9, 0], ["sm_90a"], True),
        ([10, 0], ["sm_90a"], False),
        ([12, 0], ["sm_100", "sm_120"], True),
        ([7, 5], ["sm_80", "compute_80"], False),
    ],
)
def test_code_runs_on_its_own_generation_and_ptx_on_later_ones(
    capability: list[int], archs: list[str], runs: bool
) -> None:
    assert stack._supported(capability, archs) is runs


def test_a_broken_bitsandbytes_only_costs_what_needs_it() -> None:
    answers = {"torch": TORCH, "training": {"versions": "trl 1"}, "bitsandbytes": {"error": "OSError: libcudart"}}
    found = [told(check) for check in stack.checks(answers, machine())]
    assert found == [(Status.OK, "ok"), (Status.OK, "ok"), (Status.WARN, "broken")]


def test_without_pytorch_the_rest_of_the_stack_is_not_blamed() -> None:
    assert len(list(stack.checks({"torch": {"error": "ModuleNotFoundError: torch"}}, machine()))) == 1


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({}, (Status.OK, "ok")),
        ({"gpus": None, "nvml_error": "Driver/library version mismatch"}, (Status.FAIL, "mismatch")),
        ({"gpus": None, "nvml_error": "GPU is lost"}, (Status.FAIL, "silent")),
        ({"gpus": (), "nvml_error": "NVML Shared Library Not Found"}, (Status.WARN, "no_gpu")),
        ({"gpus": (), "nvml_error": "pynvml is not installed"}, (Status.WARN, "no_binding")),
        ({"gpus": (GpuState(index=0, visible=False),), "cuda_visible_devices": ""}, (Status.WARN, "hidden")),
        ({"gpus": (GpuState(index=0, name="H100 MIG", mig=True),)}, (Status.WARN, "mig")),
    ],
)
def test_each_state_of_the_driver_is_named(known: dict[str, Any], verdict: tuple[Status, str]) -> None:
    assert told(device.driver(machine(**known))) == verdict


def test_neighbours_are_named_with_their_process() -> None:
    crowded = GpuState(index=0, vram_gb=24, free_gb=3)
    other = GpuProcess(gpu=0, pid=4242, name="vllm", user="kim", used_gb=20)
    check = device.neighbours(machine(gpus=(crowded,), processes=(other,)))
    assert told(check) == (Status.WARN, "busy")
    assert "vllm (4242, kim)" in check.text(words("en"))


def test_memory_counts_the_containers_limit() -> None:
    assert told(device.memory(machine(ram=Space(total_gb=256, limit_gb=4, free_gb=3)))) == (Status.WARN, "little")
    assert told(device.memory(machine(ram=Space(total_gb=64, free_gb=60)))) == (Status.OK, "ok")
    assert told(device.memory(machine())) == (Status.WARN, "unknown")


def test_packages_out_of_range_get_the_command_that_mends_them() -> None:
    versions = {"torch": "2.9.0", "rich": "14.1", "absent": None}

    def version_of(name: str) -> str:
        import importlib.metadata

        if versions.get(name) is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return str(versions[name])

    needed = ["torch>=2.11,<2.14", "rich>=14,<16", "absent>=1", 'pytest>=8; extra == "dev"']
    check = installation.packages(needed, version_of)
    assert told(check) == (Status.FAIL, "wrong")
    assert check.found["wrong"] == "torch 2.9.0, absent"
    assert "'torch<2.14,>=2.11' 'absent>=1'" in (check.mend(words("en")) or "")
    assert "rich" not in (check.mend(words("en")) or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert told(disk.writable(tmp_path)) == (Status.FAIL, "denied")


def test_a_file_in_the_place_of_the_folder_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("x")
    assert told(disk.writable(tmp_path / "home")) == (Status.FAIL, "not_a_folder")


def test_trying_the_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    assert told(disk.writable(tmp_path)) == (Status.OK, "ok")
    assert told(disk.writable(tmp_path / "not" / "yet")) == (Status.OK, "later")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("mode", "verdict"), [(0o755, (Status.WARN, "open")), (0o700, (Status.OK, "ok"))])
def test_runs_that_others_can_read_are_told(tmp_path: Path, mode: int, verdict: tuple[Status, str]) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs").chmod(mode)
    assert told(disk.private(tmp_path)) == verdict


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("ext4", (Status.OK, "ok")), ("tmpfs", (Status.WARN, "fleeting")), ("nfs4", (Status.WARN, "remote"))],
)
def test_the_kind_of_file_system_is_that_of_the_nearest_mount(
    tmp_path: Path, kind: str, verdict: tuple[Status, str]
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / xfs rw 0 0\nb {tmp_path} {kind} rw 0 0\nc /elsewhere nfs rw 0 0\n")
    assert told(disk.file_system(tmp_path / "home", mounts)) == verdict


def test_a_small_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(free: int, names: int = 10**6) -> Any:
        return os.statvfs_result((4096, 4096, 10**6, free, free, 10**7, names, names, 0, 255))

    for found, verdict in (
        (small(100), (Status.FAIL, "full")),
        (small(10**6), (Status.WARN, "tight")),
        (small(10**7), (Status.OK, "ok")),
        (small(10**7, 5), (Status.FAIL, "names")),
    ):
        monkeypatch.setattr(os, "statvfs", lambda _, found=found: found)
        assert told(disk.room("disk", tmp_path)) == verdict


@pytest.mark.parametrize(
    ("preferred", "output", "verdict"),
    [
        ("UTF-8", "utf-8", (Status.OK, "ok")),
        ("ISO-8859-1", "utf-8", (Status.FAIL, "not_utf8")),
        ("UTF-8", "ascii", (Status.FAIL, "not_utf8")),
        ("UTF-8", None, (Status.OK, "ok")),
    ],
)
def test_the_locale_must_carry_korean(preferred: str, output: str | None, verdict: tuple[Status, str]) -> None:
    assert told(session.encoding({"LANG": "x"}, preferred, output)) == verdict


def test_terminals_are_told_apart() -> None:
    assert told(session.terminal({"TERM": "dumb"}, True)) == (Status.FAIL, "dumb")
    assert told(session.terminal({"TERM": "tmux-256color", "TMUX": "/s,1,0"}, True)) == (Status.OK, "in_tmux")
    assert told(session.terminal({"TERM": "screen", "STY": "1"}, True)) == (Status.OK, "in_screen")
    assert told(session.terminal({}, False)) == (Status.OK, "piped")
    assert told(session.size(60, 20)) == (Status.WARN, "small")
    assert told(session.colours({"TERM": "linux"})) == (Status.WARN, "few")
    assert told(session.colours({"NO_COLOR": "1"})) == (Status.OK, "none")


def test_a_system_that_ends_runs_at_logout_is_told(tmp_path: Path) -> None:
    place = tmp_path / "etc/systemd/logind.conf.d"
    place.mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf").write_text("[Login]\n#KillUserProcesses=yes\n")
    assert told(session.logout(tmp_path)) == (Status.OK, "ok")
    (place / "10.conf").write_text("[Login]\nKillUserProcesses=yes\n")
    assert told(session.logout(tmp_path)) == (Status.WARN, "kills")


def test_a_token_is_said_to_be_there_and_never_shown() -> None:
    check = session.account({"HF_TOKEN": "hf_planted_value_1234567890"})
    assert told(check) == (Status.OK, "ok")
    assert "planted" not in json.dumps(document(check, words("en")))


def test_a_check_that_breaks_is_a_warning_and_the_next_one_answers() -> None:
    def burst() -> Check:
        raise OSError("no /proc")

    found = guarded(burst, installation.python)
    assert [told(check)[0] for check in found] == [Status.WARN, Status.OK]
    assert "burst" in found[0].text(words("en"))


def test_a_trap_in_a_gpus_name_cannot_drive_the_terminal() -> None:
    gpu = GpuState(index=0, name="\x1b]52;c;ZXZpbA==\x07", vram_gb=24, free_gb=24)
    check = device.driver(machine(gpus=(gpu,)))
    assert "\x1b" not in "".join(lines(check, words("en")))


def test_the_command_answers_for_this_machine(tmp_path: Path) -> None:
    environ = {**os.environ, "TUNER_HOME": str(tmp_path / "home"), "HF_TOKEN": "hf_" + "planted" * 5}
    command = [sys.executable, "-X", "importtime", "-m", "tuner_tui", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ)
    answer = json.loads(done.stdout)
    assert answer.keys() == {"ok", "checks", "seconds"}
    statuses = {check["id"]: check["status"] for check in answer["checks"]}
    wanted = {"python", "packages", "torch", "driver", "memory", "home", "private", "disk", "locale", "terminal"}
    assert wanted <= statuses.keys()
    assert answer["ok"] == ("fail" not in statuses.values())
    assert done.returncode == (0 if answer["ok"] else 1)
    assert all(check["mend"] or check["status"] != "fail" for check in answer["checks"])
    assert not (tmp_path / "home").exists(), "looking makes nothing"
    assert "planted" not in done.stdout + done.stderr
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "tuner_tui" in loaded
    assert not loaded & {"torch", "transformers", "trl", "peft", "bitsandbytes", "textual"}
