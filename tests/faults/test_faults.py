"""Faults at random moments of a real process: nothing acknowledged is lost, no state is false, every run ends right."""

import os
from collections import Counter

import pytest
from injector import FAULTS, Bench


def told(table: Counter[tuple[str, str, str]]) -> str:
    """The table: what was done, when, and the state that was seen right after."""
    lines = [f"{'fault':<26}{'during':<11}{'then':<10}{'times':>5}"]
    lines += [f"{name:<26}{phase:<11}{state:<10}{count:>5}" for (name, phase, state), count in sorted(table.items())]
    return "\n".join([*lines, f"{'in all':<47}{sum(table.values()):>5}"])


def disturb(count: int, seed: int) -> Bench:
    bench = Bench(seed)
    names = [name for name in FAULTS for _ in range(-(-count // len(FAULTS)))]
    bench.dice.shuffle(names)
    for name in names[:count]:
        bench.inject(name)
    bench.close()
    return bench


def test_a_dozen_faults() -> None:
    assert disturb(14, seed=1).table.total() == 14


@pytest.mark.slow
def test_two_hundred_faults(capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("TUNER_FAULT_SEED", "7"))
    bench = disturb(210, seed)
    with capsys.disabled():
        print(f"\nseed {seed}, {bench.finished + 1} runs ended as if undisturbed\n{told(bench.table)}")
    assert bench.table.total() >= 200
    assert bench.finished >= 5
