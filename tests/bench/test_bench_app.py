"""How fast the app is, through a real pseudo-terminal; figures are printed, only ratios and absences are asserted."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from terminal_driver import EMPTY_APP, Terminal

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

FIRST_PAINT_RATIO = 1.6
KEY_RATIO = 6.0
"""A key of ours redraws a whole step, one of the empty app a list; both are a few milliseconds."""

Open = Callable[..., Terminal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    terminals: list[Terminal] = []

    def start(*args: str, **options: int) -> Terminal:
        terminal = Terminal(*args, env={"TUNER_HOME": str(tmp_path / "home"), "TUNER_LANG": "en"}, **options)
        terminals.append(terminal)
        return terminal

    yield start
    for terminal in terminals:
        terminal.close()


def tuner(opened: Open, **options: int) -> Terminal:
    return opened("-m", "tuner_tui", **options)


def empty(opened: Open) -> Terminal:
    return opened("-c", EMPTY_APP)


def test_first_paint_is_near_that_of_an_empty_app(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    """By processor time, which other processes on the machine do not change; the wall clock is printed beside it."""
    wall: dict[str, list[float]] = {"tuner": [], "empty": []}
    work: dict[str, list[float]] = {"tuner": [], "empty": []}
    for _ in range(7):
        for name, start, wanted in (("tuner", tuner, "t u n e r"), ("empty", empty, "empty and ready")):
            terminal = start(opened)
            wall[name].append(terminal.until(wanted))
            work[name].append(terminal.cpu_s())
            terminal.close()
    ours, theirs = min(work["tuner"]), min(work["empty"])
    with capsys.disabled():
        print(f"\nfirst paint: tuner {min(wall['tuner']):.2f} s, empty Textual app {min(wall['empty']):.2f} s")
        print(f"its work: {ours:.2f} s and {theirs:.2f} s of processor time, ratio {ours / theirs:.2f}")
    assert ours <= FIRST_PAINT_RATIO * theirs


def test_an_idle_app_sends_nothing_and_costs_next_to_nothing(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = tuner(opened)
    terminal.until("t u n e r")
    terminal.quiet()
    before = terminal.cpu_s()
    assert terminal.read(6.0) == b""
    share = (terminal.cpu_s() - before) / 6.0
    with capsys.disabled():
        print(f"\nidle: {share:.1%} of one core, {terminal.memory_mib():.0f} MiB resident")
    assert share < 0.03
    assert terminal.leave() == 0


@pytest.mark.parametrize("keys", [b"2", b"3", b"\x10"], ids=["data", "model", "palette"])
def test_a_field_that_waits_for_input_sends_nothing(keys: bytes, opened: Open) -> None:
    terminal = tuner(opened)
    terminal.until("t u n e r")
    terminal.quiet()
    terminal.write(keys)
    terminal.quiet(3.0)
    assert terminal.read(3.0) == b""
    assert terminal.leave(b"\x1b\x11" if keys == b"\x10" else b"\x11") == 0


def test_a_key_shows_its_effect_as_fast_as_in_an_empty_app(opened: Open, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {}
    for name, start, ready in (("tuner", tuner, "t u n e r"), ("empty", empty, "empty and ready")):
        terminal = start(opened)
        terminal.until(ready)
        terminal.quiet()
        if name == "tuner":
            terminal.write(b"1")
            terminal.until("What should the model do?")
            terminal.quiet()
        else:
            terminal.write(b"\t")
            terminal.quiet(0.5)
        times = []
        for number in range(10):
            times.append(terminal.key(b"\x1b[B" if number < 5 else b"\x1b[A"))
            terminal.quiet(0.3)
        figures[name] = median(times)
    with capsys.disabled():
        print(f"\na key: tuner {figures['tuner'] * 1000:.1f} ms, empty {figures['empty'] * 1000:.1f} ms at 120x40")
    assert figures["tuner"] <= max(KEY_RATIO * figures["empty"], 0.05)


def test_the_interface_never_loads_torch(opened: Open) -> None:
    terminal = opened("-m", "tuner_tui", "demo")
    terminal.until("What should the model do?")
    for title in ("What data do you have?", "Which model?", "Which hardware?", "What we advise"):
        terminal.quiet(0.5)
        terminal.write(b"\r")
        terminal.until(title)
    terminal.until("Style")
    terminal.quiet()
    assert "libtorch" not in terminal.maps()
    assert terminal.leave() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_puts_the_terminal_right(opened: Open, number: signal.Signals) -> None:
    terminal = tuner(opened)
    terminal.until("t u n e r")
    terminal.quiet()
    os.kill(terminal.pid, number)
    assert terminal.wait() == 128 + number
    tail = terminal.sent[-400:]
    assert b"\x1b[?1049l" in tail
    assert b"\x1b[?25h" in tail


EVENTS = 1_000_000
PAINT_S, PAINT_MIB = 1.0, 200.0


def _long_run(home: Path) -> str:
    """A finished run of a million events, as `tuner run` would have written it."""
    import msgspec

    from advisor.recipe import DataSpec, ModelSpec, Recipe
    from tuner_tui.runs.directory import create_run

    recipe = Recipe(label="ft/sft:lora", model=ModelSpec(id="model"), data=DataSpec(train="rows.jsonl"))
    run = create_run(recipe, root=home / "runs")
    encode, total = msgspec.json.encode, EVENTS - 2
    with run.events_path.open("wb") as file:
        file.write(encode({"v": 1, "t": "start", "at": 1e9, "label": recipe.label}) + b"\n")
        for step in range(1, total + 1):
            event = {"v": 1, "t": "step", "at": 1e9 + step, "step": step, "total": total, "loss": 1.0 + 1.0 / step}
            file.write(encode(event) + b"\n")
        file.write(encode({"v": 1, "t": "exit", "at": 1e9 + total, "reason": "done", "code": 0}) + b"\n")
    return run.id


def test_attaching_to_a_million_events_paints_at_once_in_little_memory(
    opened: Open, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The paint of the attached screen is timed; that all events were read is waited for, and memory taken then."""
    run_id = _long_run(tmp_path / "home")
    (tmp_path / "home" / "draft.json").write_text(f'{{"version":1,"step":"run","run_id":"{run_id}"}}')
    terminal = tuner(opened)
    terminal.until("t u n e r")
    terminal.quiet()
    before, sent = terminal.cpu_s(), len(terminal.sent)
    began = time.perf_counter()
    terminal.write(b"7")
    terminal.until("The run")
    painted, work = time.perf_counter() - began, terminal.cpu_s() - before
    terminal.until(f"{EVENTS - 2}/{EVENTS - 2}")
    read, all_work = time.perf_counter() - began, terminal.cpu_s() - before
    with capsys.disabled():
        print(
            f"\na million events: painted after {painted:.2f} s ({work:.2f} s of work), read whole after {read:.1f} s"
        )
        print(f"({all_work:.1f} s of work), {terminal.memory_mib():.0f} MiB, {len(terminal.sent) - sent} bytes sent")
    assert work <= PAINT_S
    assert terminal.memory_mib() <= PAINT_MIB
