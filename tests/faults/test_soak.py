"""Left alone for long, nothing grows: memory, file handles, threads and processes of a real run and of its watchers.

`--soak 3600` makes it the hour that a release takes; by default it takes a minute. The figures are printed.
"""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from injector import RECIPE
from test_kill import new_run, tiny

from tuner_tui.runs.directory import RunDir, create_run, list_runs
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.locks import is_free
from tuner_tui.runs.queue import queue_up, waiting
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import Rung, StopLadder
from tuner_tui.runs.supervisor import launch
from tuner_tui.runs.watch import RunWatch, glance

__all__ = ["tiny"]
ROOT = Path(__file__).parents[2]
STANDIN = ROOT / "tests" / "tuner_tui" / "runs" / "standin.py"
PLANT = ROOT / "samples" / "runs" / "plant.py"
LOOKS = 60
ATTACH_S = 0.5
WARM = 1 / 3
GROWN_BYTES = 8 << 20
STEP_BYTES = 1 << 10
"""What the library keeps of every logged step, to write it into each checkpoint."""
RUNS = 20


class Held(NamedTuple):
    """What one process holds."""

    bytes: int
    handles: int
    threads: int


def held(process: psutil.Process) -> Held:
    return Held(process.memory_info().rss, process.num_fds(), process.num_threads())


class Course:
    """What one process held over time. The first third is warming up; then nothing may grow."""

    def __init__(self, process: psutil.Process, bytes_per_step: int = 0) -> None:
        self.process, self.bytes_per_step = process, bytes_per_step
        self.looks: list[Held] = []

    def look(self) -> None:
        self.looks.append(held(self.process))

    def grown(self) -> int:
        """Bytes by which the median of the last third lies above that of the third before it."""
        third = max(round(len(self.looks) * WARM), 1)
        before, after = self.looks[-2 * third : -third], self.looks[-third:]
        return int(statistics.median(each.bytes for each in after) - statistics.median(each.bytes for each in before))

    def counts(self) -> list[set[int]]:
        """The numbers of handles and of threads that were seen once it was warm."""
        warm = self.looks[round(len(self.looks) * WARM) :]
        return [{each.handles for each in warm}, {each.threads for each in warm}]

    def told(self) -> str:
        """One line of figures."""
        mib = [each.bytes / 2**20 for each in self.looks]
        handles, threads = (f"{min(found)}..{max(found)}" for found in self.counts())
        grown = f"{mib[0]:7.1f} -> {mib[-1]:7.1f} MiB ({self.grown() / 2**20:+.2f})"
        return f"{grown}, {handles} handles, {threads} threads"


@contextmanager
def watcher(run: RunDir, *options: str) -> Iterator[psutil.Process]:
    """`tuner watch` in another process."""
    command = [sys.executable, "-m", "tuner_tui", "watch", run.id, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            yield psutil.Process(child.pid)
        finally:
            child.terminate()


def attach(run: RunDir) -> None:
    """Come, look, go."""
    watch, follower = RunWatch(run), Follower(run.events_path)
    watch.poll()
    follower.poll(10)
    watch.close()
    follower.close()


def rotate(run: RunDir) -> None:
    """What logrotate does with `copytruncate`."""
    for path in (run.events_path, run.log_path):
        path.with_name(f"{path.name}.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)


def until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    end, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < end
        pause.wait(0.05)


@pytest.mark.slow
def test_a_real_run_and_its_watchers_grow_nowhere(
    tiny: Path, pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]
) -> None:
    soak_s = float(pytestconfig.getoption("--soak"))
    run = new_run(tiny, "ft/sft:lora", 1, max_steps=10**7)
    launch(run, command=[sys.executable, "-P", str(PLANT), "unhurried", str(run.path)], keep=())
    until(lambda: glance(run).step > 0)
    info = run.info()
    assert info is not None
    with watcher(run) as first, watcher(run, "--json") as second:
        trainer, me = psutil.Process(info.pid), psutil.Process()
        courses = {"trainer": Course(trainer, STEP_BYTES), "watch": Course(first), "watch --json": Course(second)}
        courses["attaching"] = Course(me)
        watch, attached = soak(run, courses, soak_s)
        assert not trainer.children()
        steps = watch.view.step
        settled(run, watch)
    with capsys.disabled():
        print(f"\n{soak_s:.0f} s, {steps} steps, {attached} times attached, logs rotated twice")
        for name, course in courses.items():
            print(f"{name:14}{course.told()}")
    checkpoints = [path.name for path in run.checkpoints.iterdir()]
    assert len(checkpoints) <= 4, f"rotation: {checkpoints}"
    for name, course in courses.items():
        assert course.grown() <= GROWN_BYTES + steps * course.bytes_per_step, f"{name} grows"
        assert all(max(found) - min(found) <= 1 for found in course.counts()), f"{name} keeps handles or threads"


def soak(run: RunDir, courses: dict[str, Course], soak_s: float) -> tuple[RunWatch, int]:
    """Watch and attach for so long; the logs are rotated at a third and at half. One watcher and the attachings."""
    begun, pause, attached, rotated = time.monotonic(), threading.Event(), 0, 0
    watch = RunWatch(run)
    looked = float("-inf")
    while (spent := time.monotonic() - begun) < soak_s:
        watch.poll()
        attach(run)
        attached += 1
        if spent > soak_s * (1 + rotated / 2) / 3 and rotated < 2:
            rotate(run)
            rotated += 1
        if time.monotonic() - looked >= soak_s / LOOKS:
            looked = time.monotonic()
            for course in courses.values():
                course.look()
        pause.wait(ATTACH_S)
    assert watch.follower.replaced == 2
    return watch, attached


def settled(run: RunDir, watch: RunWatch) -> None:
    """Stopped; then who watched all the time sees what someone sees who comes now."""
    assert state_of(run) is RunState.RUNNING
    ladder = StopLadder(run)
    until(lambda: ladder.climb().rung is Rung.GONE)
    assert state_of(run) is RunState.STOPPED
    late = RunWatch(run)
    for each in (watch, late):
        each.poll(10**6)
    assert watch.view.step == late.view.step > 0
    watch.close()
    late.close()


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
    before = held(psutil.Process()).handles
    for _ in range(RUNS):
        queue_up(create_run(RECIPE))
    until(lambda: not waiting() and not any(state_of(run).live for run in list_runs()), 1800)
    assert [state_of(run) for run in list_runs()] == [RunState.FINISHED] * RUNS
    assert starts_in_order()
    until(lambda: is_free("cpu"))  # the last process holds the lock until it is gone
    assert held(psutil.Process()).handles == before
    ours = [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    assert ours == []


def starts_in_order() -> bool:
    """Whether they were launched in the order in which they came, one after the other."""
    infos = sorted((info for run in list_runs() if (info := run.info())), key=lambda info: info.created)
    launched = [info.launched or 0.0 for info in infos]
    return launched == sorted(launched)
