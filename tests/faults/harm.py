"""What can happen to a run: each fault as a function of the bench on which the run lies."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
from injector import ENDED, WORKER, Bench
from worker import TOTAL

from advisor.errors import InputError
from tuner_tui.runs.identity import identify
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import Rung, StopLadder
from tuner_tui.runs.watch import RunWatch
from tuner_tui.training.checkpoint import candidates


def kill(bench: Bench) -> None:
    """SIGKILL: crashed, unless its last word was out."""
    bench.signal(signal.SIGKILL)
    bench.until(lambda: not bench.living)
    assert state_of(bench.run) is not RunState.RUNNING


def terminate(bench: Bench) -> None:
    """SIGTERM: it saves and stops."""
    bench.signal(signal.SIGTERM)
    bench.until(lambda: not bench.living)
    assert state_of(bench.run) in (RunState.STOPPED, RunState.FINISHED, RunState.CRASHED)


def hang_up(bench: Bench) -> None:
    """SIGHUP, as when the terminal closes: nothing happens, from the first instruction on."""
    before = bench.living
    bench.signal(signal.SIGHUP)
    assert not before or bench.living or state_of(bench.run) is RunState.FINISHED


def ask(bench: Bench) -> None:
    """The stop file, by the ladder, by two people at once."""
    ladders = [StopLadder(bench.run), StopLadder(bench.run)]
    bench.until(lambda: all(ladder.climb().rung is Rung.GONE for ladder in ladders))


def hurry(bench: Bench) -> None:
    """The ladder climbed at once."""
    ladder = StopLadder(bench.run, grace_s=(0.0, 0.0, 30.0))
    bench.until(lambda: ladder.climb().rung is Rung.GONE)
    assert state_of(bench.run) in (RunState.STOPPED, RunState.FINISHED)


def freeze(bench: Bench) -> None:
    """Stopped by the kernel for a moment: still running."""
    bench.signal(signal.SIGSTOP)
    alive_then = bench.living
    state = state_of(bench.run)
    bench.signal(signal.SIGCONT)
    assert not alive_then or state in (RunState.RUNNING, *ENDED)


def torn_log(bench: Bench) -> None:
    """Killed in the middle of a line."""
    kill(bench)
    with bench.run.events_path.open("ab") as file:
        file.write(b'{"v":1,"t":"exit","reason":"do')


def nul_log(bench: Bench) -> None:
    """A power cut leaves zeros where data was promised."""
    kill(bench)
    with bench.run.events_path.open("ab") as file:
        file.write(b"\0" * bench.dice.randrange(1, 5000))


def rotten_log(bench: Bench) -> None:
    """Bytes in the middle of the log are overwritten."""
    kill(bench)
    size = bench.run.events_path.stat().st_size if bench.run.events_path.exists() else 0
    if size > 200:
        with bench.run.events_path.open("r+b") as file:
            bench.log_hurt = True
            file.seek(bench.dice.randrange(0, size // 2))
            file.write(bench.dice.randbytes(40))


def rotten_checkpoint(bench: Bench) -> None:
    """The newest checkpoint is damaged: a flipped byte, a file cut off, a file gone."""
    kill(bench)
    found = candidates(bench.run.checkpoints)
    if not found:
        return
    path = found[0] / bench.dice.choice(["state", "bulk", "manifest.json"])
    how = bench.dice.choice(["flip", "cut", "gone"])
    bench.saved_from = len(bench.acknowledged())
    if not path.exists():
        return
    content = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    else:
        at = bench.dice.randrange(len(content))
        content[at] ^= 0x41
        path.write_bytes(bytes(content[:at] if how == "cut" else content))


def torn_record(bench: Bench) -> None:
    """Another process has the pid of ours: it must not count as the run, nor be signalled."""
    kill(bench)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        info, other = bench.run.info(), identify(stranger.pid)
        assert info is not None
        assert other is not None
        bench.run.write_info(msgspec.structs.replace(info, pid=stranger.pid))
        assert state_of(bench.run) is not RunState.RUNNING
        ladder = StopLadder(bench.run, grace_s=(0.0, 0.0, 0.0))
        assert ladder.climb().rung is Rung.GONE
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def clock_back(bench: Bench) -> None:
    """The clock was set back by a year while nobody looked: alive is alive, dead is dead."""
    info = bench.run.info()
    assert info is not None
    bench.run.write_info(msgspec.structs.replace(info, launched=(info.launched or 0.0) + 3.2e7))


def two_watchers(bench: Bench) -> None:
    """Two who watch see the same."""
    first, second = RunWatch(bench.run), RunWatch(bench.run)
    first.poll(10**6)
    second.poll(10**6)
    first.poll(10**6)
    assert first.view.step <= TOTAL
    for watch in (first, second):
        watch.close()


def second_launch(bench: Bench) -> None:
    """Someone starts the same run again: refused while it lives."""
    if not bench.living or state_of(bench.run) is not RunState.RUNNING:
        return
    before = bench.run.info()
    try:
        bench.launch(bench.run, resume=True)
    except InputError:
        assert bench.run.info() == before


def second_writer(bench: Bench) -> None:
    """A second process begins to train into the same folder by itself: it is refused, and writes nothing."""
    bench.signal(signal.SIGSTOP)  # or the first may be done before the second looks
    if bench.living:
        before = bench.run.events_path.stat().st_size if bench.run.events_path.exists() else None
        done = subprocess.run([sys.executable, str(WORKER), str(bench.run.path), "--resume"], capture_output=True)
        if before is not None:
            assert done.returncode == 2, done.stderr
            assert bench.run.events_path.stat().st_size == before
    bench.signal(signal.SIGCONT)


def teacher_fails(bench: Bench) -> None:
    """The endpoint is down, hangs, babbles or breaks off from now on: the run fails where it asks, and says so."""
    bench.teacher.mode = bench.dice.choice(["is down", "hangs", "babbles", "breaks off"])
    (bench.run.path / "teacher.jsonl").unlink(missing_ok=True)
    asked = "phase save" in bench.acknowledged()
    bench.until(lambda: not bench.living)
    assert state_of(bench.run) is RunState.FAILED or (asked and state_of(bench.run) is RunState.FINISHED)
    bench.teacher.mode = "answers"


def driver_slow(bench: Bench) -> None:
    """The GPU's driver answers slowly: the steps do not wait for it."""
    before, harm = len(bench.acknowledged()), bench.run.path / "slow-driver"
    harm.touch()
    bench.until(lambda: len(bench.acknowledged()) > before + 1 or not bench.living)
    assert bench.living or state_of(bench.run) is RunState.FINISHED
    harm.unlink()


def driver_gone(bench: Bench) -> None:
    """The GPU's driver fails for a while: readings stop, the run does not."""
    before, harm = bench.living, bench.run.path / "no-driver"
    harm.touch()
    threading.Event().wait(0.15)
    assert not before or bench.living or state_of(bench.run) in (RunState.FINISHED, RunState.STOPPED)
    harm.unlink()


def no_memory(bench: Bench) -> None:
    """The system grants no more memory: the run ends as out of memory, unless it needs none any more."""
    info = bench.run.info()
    assert info is not None
    if not bench.living or info.pid is None:
        return
    try:
        held = next(line for line in Path(f"/proc/{info.pid}/status").read_text().splitlines() if "VmData" in line)
        limit = int(held.split()[1]) * 1024 + (4 << 20)
        resource.prlimit(info.pid, resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
    except (OSError, StopIteration):
        return
    bench.until(lambda: not bench.living)
    assert state_of(bench.run) in (RunState.FAILED, RunState.FINISHED, RunState.CRASHED)


def disk_full(bench: Bench) -> None:
    """A neighbour fills the disk to the last byte; later there is room again."""
    if bench.disk is None:
        return
    filler = bench.disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for _ in range(10**6):
            file.write(b"x" * (1 << 16))
    threading.Event().wait(0.1)
    if bench.living:
        bench.signal(signal.SIGTERM)
        bench.until(lambda: not bench.living)
    filler.unlink()
    assert state_of(bench.run) in ENDED


def disk_read_only(bench: Bench) -> None:
    """The disk was remounted read-only, as after an error of the medium: nothing starts there, nothing is lost."""
    kill(bench)
    if bench.disk is None:
        return
    before = state_of(bench.run)
    changed = subprocess.run(["mount", "-o", "remount,ro", str(bench.disk)], capture_output=True)
    if changed.returncode:
        return
    try:
        bench.launch(bench.run, resume=True)
    except (InputError, OSError):
        pass
    else:
        raise AssertionError("started on a disk that cannot be written")
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(bench.disk)], check=True)
    assert state_of(bench.run) is before


FAULTS: dict[str, Callable[[Bench], None]] = {
    "kill -9": kill,
    "SIGTERM": terminate,
    "SIGHUP": hang_up,
    "stop, twice at once": ask,
    "stop, hurried to SIGKILL": hurry,
    "frozen and thawed": freeze,
    "log torn": torn_log,
    "log filled with NUL": nul_log,
    "log overwritten": rotten_log,
    "checkpoint damaged": rotten_checkpoint,
    "pid reused": torn_record,
    "clock set back": clock_back,
    "two watchers": two_watchers,
    "launched twice": second_launch,
    "two writers": second_writer,
    "endpoint fails": teacher_fails,
    "GPU driver gone": driver_gone,
    "GPU driver slow": driver_slow,
    "no memory granted": no_memory,
    "disk full": disk_full,
    "disk read-only": disk_read_only,
}
