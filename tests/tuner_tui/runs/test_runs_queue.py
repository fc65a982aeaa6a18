"""Runs wait their turn: one lock a device, held as long as the trainer lives; memory counted; first come first."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.recipe import Recipe
from tuner_tui.runs import queue, waiter
from tuner_tui.runs.devices import Device
from tuner_tui.runs.directory import RunDir, create_run, list_runs
from tuner_tui.runs.identity import alive, identify, send
from tuner_tui.runs.locks import is_free, try_lock
from tuner_tui.runs.queue import Ticket, ticket_of, waiting, write_ticket
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import launch
from tuner_tui.runs.watch import glance

Until = Callable[[Callable[[], object]], None]
Tuner = Callable[..., subprocess.CompletedProcess[str]]
STANDIN = Path(__file__).with_name("standin.py")
GIB = 2**30


def kill(run: RunDir) -> None:
    info = run.info()
    assert info is not None
    assert info.identity is not None
    send(info.identity, signal.SIGKILL)


def queued(recipe: Recipe, since: float, need: int | None = None) -> RunDir:
    run = create_run(recipe)
    write_ticket(run, Ticket(since=since, need_bytes=need, waiter=identify(os.getpid())))
    return run


def one_gpu(free_gib: float) -> Callable[[tuple[int, ...]], list[Device]]:
    return lambda wanted: [Device("gpu-a", "0", int(free_gib * GIB), 24 * GIB)]


def take(run: RunDir, found: Callable[[tuple[int, ...]], list[Device]]) -> str | None:
    ticket = ticket_of(run)
    assert ticket is not None
    now = waiter.turn(run, ticket, found)
    if now.lock is not None:
        os.close(now.lock)
    return now.reason if now.device is None else now.device.lock


def test_the_first_who_came_goes_first(recipe: Recipe) -> None:
    second, first = queued(recipe, since=2), queued(recipe, since=1)
    assert take(first, one_gpu(20)) == "gpu-a"
    assert take(second, one_gpu(20)) == f"behind:{first.id}"


def test_a_dead_waiter_holds_nobody_up(recipe: Recipe) -> None:
    second, first = queued(recipe, since=2), queued(recipe, since=1)
    write_ticket(first, Ticket(since=1, waiter=None))
    assert take(second, one_gpu(20)) == "gpu-a"


def test_neighbours_memory_counts(recipe: Recipe) -> None:
    run = queued(recipe, since=1, need=10 * GIB)
    assert take(run, one_gpu(9)) == "memory"
    assert take(run, one_gpu(11)) == "gpu-a"


def test_a_device_has_one_holder_and_another_is_looked_for(recipe: Recipe) -> None:
    run = queued(recipe, since=1)
    lock = try_lock("gpu-a")
    assert lock is not None
    assert try_lock("gpu-a") is None
    assert take(run, one_gpu(20)) == "device_busy"
    assert take(run, lambda wanted: [*one_gpu(20)(wanted), Device("gpu-b", "1", None)]) == "gpu-b"
    os.close(lock)
    assert take(run, one_gpu(20)) == "gpu-a"


def test_the_lock_lives_and_dies_with_the_trainer(recipe: Recipe, until: Until) -> None:
    run = create_run(recipe)
    launch(run, command=[sys.executable, str(STANDIN), "endless", str(run.path)])
    until(lambda: glance(run).step > 0)
    assert not is_free("cpu")
    kill(run)
    until(lambda: is_free("cpu"))


@pytest.fixture
def standins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Waiting processes start a stand-in instead of the training child."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\nimport tuner_tui.runs.supervisor as supervisor\n"
        "def child_command(run, *, resume=False):\n"
        f"    return [sys.executable, {str(STANDIN)!r}, 'endless', str(run.path)]\n"
        "supervisor.child_command = child_command\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))


@pytest.mark.usefixtures("standins")
def test_queued_runs_follow_one_another(tuner: Tuner, recipe_file: Path, until: Until) -> None:
    done = tuner("queue", str(recipe_file), str(recipe_file), "--json")
    assert done.returncode == 0, done.stderr
    second, first = list_runs()
    until(lambda: glance(first).step > 0)
    assert state_of(second) is RunState.QUEUED
    shown = json.loads(tuner("queue", "--json").stdout)
    assert [one["id"] for one in shown] == [second.id]
    assert shown[0]["waited_for"] is True
    assert json.loads(tuner("runs", "--json").stdout)[0]["state"] == "queued"
    kill(first)
    until(lambda: glance(second).step > 0)
    assert state_of(first) is RunState.CRASHED
    assert tuner("stop", second.id).returncode == 0
    assert json.loads(tuner("queue", "--json").stdout) == []


@pytest.mark.usefixtures("standins")
def test_a_waiting_run_can_be_taken_out_and_a_dead_waiter_comes_back(
    tuner: Tuner, recipe_file: Path, until: Until
) -> None:
    lock = try_lock("cpu")
    assert lock is not None
    tuner("queue", str(recipe_file))
    run = list_runs()[0]
    until(lambda: (ticket := ticket_of(run)) and ticket.reason == "device_busy")
    ticket = ticket_of(run)
    assert ticket is not None
    assert ticket.waiter is not None
    first = ticket.waiter
    send(first, signal.SIGKILL)
    until(lambda: not alive(first))
    assert "waits again" in tuner("queue").stderr
    again = ticket_of(run)
    assert again is not None
    assert again.waiter is not None
    assert again.since == ticket.since
    assert "out of the queue" in tuner("stop", run.id).stderr
    mine = again.waiter
    until(lambda: not alive(mine))
    os.close(lock)
    assert not waiting()
    assert state_of(run) is RunState.STOPPED


def test_what_can_never_fit_is_refused(tuner: Tuner, recipe_file: Path) -> None:
    done = tuner("queue", str(recipe_file), "--need", "9999")
    assert done.returncode == 3
    assert "9999" in done.stderr
    assert not queue.waiting()
