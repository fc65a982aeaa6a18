"""Every fault in every phase of a real process: nothing acknowledged is lost, no state is false, runs end right."""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from harm import FAULTS
from injector import PHASES, Bench


def told(bench: Bench) -> str:
    """How often each fault came in each phase with the states seen then; what the user read; how it went on."""
    at = {(name, phase): Counter[str]() for name in FAULTS for phase in PHASES}
    for (name, phase, state), count in bench.table.items():
        at[name, phase][state[:2]] += count
    cell = {key: " ".join(f"{count}{state}" for state, count in sorted(found.items())) for key, found in at.items()}
    lines = [f"{'fault':<26}" + "".join(f"{phase:<10}" for phase in PHASES)]
    lines += [f"{name:<26}" + "".join(f"{cell[name, phase] or '-':<10}" for phase in PHASES) for name in FAULTS]
    lines += ["", *(f"{name:<26}resumed {bench.resumed[name]:>3}  {bench.told.get(name, '-')}" for name in FAULTS)]
    return "\n".join([*lines, f"in all {bench.table.total()}"])


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


def disturb(pairs: list[tuple[str, str]], seed: int, disk: Path | None) -> Bench:
    bench = Bench(seed, disk)
    bench.dice.shuffle(pairs)
    for name, phase in pairs:
        bench.inject(name, FAULTS[name], phase)
    bench.close()
    return bench


def test_every_fault_once(disk: Path | None) -> None:
    pairs = [(name, PHASES[at * 4 % len(PHASES)]) for at, name in enumerate(FAULTS)]
    assert disturb(pairs, seed=1, disk=disk).table.total() == len(FAULTS)


@pytest.mark.slow
def test_every_fault_in_every_phase(capsys: pytest.CaptureFixture[str], disk: Path | None) -> None:
    seed = int(os.environ.get("TUNER_FAULT_SEED", "7"))
    bench = disturb(list(product(FAULTS, PHASES)), seed, disk)
    with capsys.disabled():
        print(f"\nseed {seed}, {bench.finished + 1} runs ended as if undisturbed\n{told(bench)}")
    assert bench.table.total() >= 200
    assert bench.finished >= 5
    seen = {(name, phase) for name, phase, _ in bench.table}
    assert len(seen) >= 0.9 * len(FAULTS) * len(PHASES), "a phase may be over before the fault comes, not often"
