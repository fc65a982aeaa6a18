"""What watching costs, through a real pseudo-terminal: attaching to long logs, following live ones, a day's growth.

Figures are printed; what is asserted are ratios by processor time, which other work on the machine does not change,
and absences (nothing is sent while nothing happens; memory does not grow with the log).
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal_driver import Terminal

from advisor.recipe import DataSpec, ModelSpec, Recipe
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.events import EventKind, EventWriter
from tuner_tui.state import Wizard, draft_path, save

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

LONG = 1_000_000
ATTACH_RATIO = 3.0
RATE_HZ = 20.0
WATCH_S = 20.0
WATCHER_SHARE = 0.06
"""The goal is 3 % of one core of a present-day machine; twice that is left for slow ones."""
GROWTH_MIB = 24.0

Open = Callable[[], Terminal]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def opened(home: Path) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def start() -> Terminal:
        terminals.append(Terminal("-m", "tuner_tui", env={"TUNER_HOME": str(home), "TUNER_LANG": "en"}))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def a_run(steps: int, end: bool = True) -> RunDir:
    """A run directory with a log of so many steps, and a draft that stands at its run step."""
    run = create_run(Recipe(name="long", label="ft/sft:lora", model=ModelSpec(id="m"), data=DataSpec(train="t")))
    with run.events_path.open("wb") as file:
        file.write(b'{"v":1,"t":"start","at":1.0,"label":"ft/sft:lora","total":%d}\n' % (steps + 10**6 * (not end)))
        file.writelines(line(step, steps) for step in range(1, steps + 1))
        if end:
            file.write(b'{"v":1,"t":"exit","at":%d.9,"reason":"done","code":0}\n' % steps)
    save(Wizard(answered=("goals",), step="run", run_id=run.id), draft_path())
    return run


def line(step: int, total: int) -> bytes:
    loss = 2 + math.sin(step / 999) + 100 / (step + 50)
    return (
        b'{"v":1,"t":"step","at":%d.5,"step":%d,"total":%d,"epoch":%.4f,"loss":%.5f,"lr":0.0002,"grad_norm":1.25,'
        b'"tokens":%d,"tokens_per_s":1234.5,"step_s":1.0}\n' % (step, step, total, step / 1000, loss, step * 100)
    )


def attach(terminal: Terminal) -> tuple[float, float]:
    """From home to the drawn run: wall seconds, processor seconds."""
    terminal.until("t u n e r")
    terminal.quiet(3.0)
    work, began = terminal.cpu_s(), time.perf_counter()
    terminal.write(b"\r")
    terminal.until("smoothed")
    wall = time.perf_counter() - began
    terminal.quiet(3.0)
    return wall, terminal.cpu_s() - work


@contextmanager
def writing(run: RunDir, first: int) -> Iterator[None]:
    """Append steps at RATE_HZ until the block ends."""
    done = threading.Event()

    def write() -> None:
        with EventWriter(run.events_path) as events:
            step = first
            while not done.wait(1 / RATE_HZ):
                step += 1
                loss = 2 + math.sin(step / 20)
                events.emit(EventKind.STEP, step=step, total=10**6, loss=loss, lr=1e-4, tokens_per_s=10.0, step_s=0.05)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_log_of_a_million_steps_is_attached_to_about_as_fast_as_a_short_one(
    opened: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {}
    for steps in (100, LONG):
        a_run(steps)
        terminal = opened()
        figures[steps] = (*attach(terminal), terminal.memory_mib())
        terminal.close()
    with capsys.disabled():
        for steps, (wall, work, memory) in figures.items():
            print(
                f"\nattach to {steps:,} steps: {wall:.2f} s, {work:.2f} s of processor time, {memory:.0f} MiB", end=""
            )
        print()
    assert figures[LONG][1] <= ATTACH_RATIO * figures[100][1]
    assert figures[LONG][2] < 200


def test_a_run_that_has_ended_is_watched_in_silence(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(100_000)
    terminal = opened()
    attach(terminal)
    before = terminal.cpu_s()
    assert terminal.read(6.0) == b""
    share = (terminal.cpu_s() - before) / 6.0
    with capsys.disabled():
        print(f"\nwatching a run that has ended: {share:.2%} of one core")
    assert share < 0.03
    assert terminal.leave() == 0


def test_watching_a_live_run_costs_little_and_keys_stay_quick(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    run = a_run(1000, end=False)
    terminal = opened()
    attach(terminal)
    with writing(run, 1000):
        for _ in range(15):
            terminal.read(0.2)
        before, sent, began = terminal.cpu_s(), len(terminal.sent), time.perf_counter()
        while time.perf_counter() - began < WATCH_S:
            terminal.read(0.2)
        took = time.perf_counter() - began
        share, rate = (terminal.cpu_s() - before) / took, (len(terminal.sent) - sent) / took
        keys = []
        for wanted in ("Gradient", "Answers") * 3:
            at = time.perf_counter()
            mark = len(terminal.sent)
            terminal.write(b"\x1b[18~")
            while wanted.encode() not in terminal.sent[mark:]:
                assert time.perf_counter() - at < 20, (wanted, terminal.sent[-300:])
                terminal.read(0.05)
            keys.append(time.perf_counter() - at)
    with capsys.disabled():
        print(f"\nwatching {RATE_HZ:.0f} events a second: {share:.1%} of one core, {rate / 1024:.1f} KiB/s drawn")
        print(f"a key meanwhile: {sorted(keys)[len(keys) // 2] * 1000:.0f} ms at 120x40")
    assert share < WATCHER_SHARE
    assert terminal.leave() == 0


def test_memory_does_not_grow_with_a_days_events(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """A day at 20 events a second, written as fast as it can be read."""
    run = a_run(20_000, end=False)
    terminal = opened()
    attach(terminal)
    sizes = []
    day, part = int(86400 * RATE_HZ), 200_000
    with run.events_path.open("ab", buffering=0) as file:
        for first in range(20_000, day, part):
            file.writelines(line(step, 10**7) for step in range(first + 1, first + part + 1))
            terminal.quiet(2.0, within_s=120)
            sizes.append(terminal.memory_mib())
    with capsys.disabled():
        print(f"\nmemory over {day:,} events: {sizes[0]:.0f} MiB at first, {sizes[-1]:.0f} MiB at the end")
    assert sizes[-1] - sizes[0] < GROWTH_MIB
    assert terminal.leave() == 0
