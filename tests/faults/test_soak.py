"""Watching and queueing for long leaves nothing behind: file handles, memory, processes and locks stay flat.

`--soak 3600` makes it the hour that a release takes; by default it takes a minute.
"""

import gc
import os
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import psutil
import pytest
from injector import RECIPE

from tuner_tui.runs.directory import RunDir, create_run, list_runs
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.locks import is_free
from tuner_tui.runs.queue import queue_up, waiting
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import Rung, StopLadder
from tuner_tui.runs.supervisor import launch
from tuner_tui.runs.watch import RunWatch, glance

STANDIN = Path(__file__).parents[1] / "tuner_tui" / "runs" / "standin.py"
WATCH_BYTES = 12 << 20
RUNS = 20


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.slow
def test_two_watchers_and_many_attachings_leave_nothing(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    soak_s = float(pytestconfig.getoption("--soak"))
    run = create_run(RECIPE)
    launch(run, command=[sys.executable, str(STANDIN), "endless", str(run.path)], keep=())
    pause, end = threading.Event(), time.monotonic() + soak_s
    watches = [RunWatch(run), RunWatch(run)]
    while glance(run).step == 0:
        pause.wait(0.05)
    for watch in watches:
        watch.poll()
    attach(run)
    before, attached = handles(), 0
    tracemalloc.start()
    start = tracemalloc.get_traced_memory()[0]
    while time.monotonic() < end:
        for watch in watches:
            watch.poll()
        attach(run)
        attached += 1
        pause.wait(0.05)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - start
    tracemalloc.stop()
    assert handles() == before
    assert grown < WATCH_BYTES, "series are bounded, so two watchers are too"
    for watch in watches:
        watch.poll(10**6)
    assert watches[0].view.step == watches[1].view.step
    ladder = StopLadder(run)
    while ladder.climb().rung is not Rung.GONE:
        pause.wait(0.05)
    with capsys.disabled():
        print(f"\n{soak_s:.0f} s, {attached} attachings, {watches[0].view.step} steps: {grown / 2**20:.1f} MiB more")


def attach(run: RunDir) -> None:
    watch, follower = RunWatch(run), Follower(run.events_path)
    watch.poll()
    follower.poll(10)
    watch.close()
    follower.close()


@pytest.mark.slow
def test_twenty_queued_runs_follow_one_another_and_leave_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\nimport tuner_tui.runs.supervisor as supervisor\n"
        "def child_command(run, *, resume=False):\n"
        f"    return [sys.executable, {str(STANDIN)!r}, 'success', str(run.path)]\n"
        "supervisor.child_command = child_command\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    before = handles()
    for _ in range(RUNS):
        queue_up(create_run(RECIPE))
    pause, end = threading.Event(), time.monotonic() + 1800
    while waiting() or any(state_of(run).live for run in list_runs()):
        assert time.monotonic() < end
        pause.wait(0.2)
    assert [state_of(run) for run in list_runs()] == [RunState.FINISHED] * RUNS
    assert starts_in_order()
    while not is_free("cpu"):
        assert time.monotonic() < end, "the last process holds the lock until it is gone"
        pause.wait(0.05)
    assert handles() == before
    ours = [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    assert ours == []


def starts_in_order() -> bool:
    """Whether they were launched in the order in which they came, one after the other."""
    infos = sorted((info for run in list_runs() if (info := run.info())), key=lambda info: info.created)
    launched = [info.launched or 0.0 for info in infos]
    return launched == sorted(launched)
