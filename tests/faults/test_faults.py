"""Faults at random moments of a real process: nothing acknowledged is lost, no state is false, every run ends right."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from injector import FAULTS, Bench


def told(table: Counter[tuple[str, str, str]]) -> str:
    """The table: what was done, when, and the state that was seen right after."""
    lines = [f"{'fault':<26}{'during':<11}{'then':<10}{'times':>5}"]
    lines += [f"{name:<26}{phase:<11}{state:<10}{count:>5}" for (name, phase, state), count in sorted(table.items())]
    return "\n".join([*lines, f"{'in all':<47}{sum(table.values()):>5}"])


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path | None]:
    """A disk of 64 MB for TUNER_HOME where mounting is allowed; else None, and faults of the disk do nothing."""
    folder = tmp_path / "disk"
    folder.mkdir()
    may = shutil.which("mount") is not None and os.geteuid() == 0
    if may and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]).returncode == 0:
        monkeypatch.setenv("TUNER_HOME", str(folder / "home"))
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=False)
    else:
        yield None


def disturb(count: int, seed: int, disk: Path | None) -> Bench:
    bench = Bench(seed, disk)
    names = [name for name in FAULTS for _ in range(-(-count // len(FAULTS)))]
    bench.dice.shuffle(names)
    for name in names[:count]:
        bench.inject(name)
    bench.close()
    return bench


def test_every_fault_once(disk: Path | None) -> None:
    assert disturb(len(FAULTS), seed=1, disk=disk).table.total() == len(FAULTS)


@pytest.mark.slow
def test_two_hundred_faults(capsys: pytest.CaptureFixture[str], disk: Path | None) -> None:
    seed = int(os.environ.get("TUNER_FAULT_SEED", "7"))
    bench = disturb(210, seed, disk)
    with capsys.disabled():
        print(f"\nseed {seed}, {bench.finished + 1} runs ended as if undisturbed\n{told(bench.table)}")
    assert bench.table.total() >= 200
    assert bench.finished >= 5
