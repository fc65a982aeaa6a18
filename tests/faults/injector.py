"""One fault at a random moment of a real process: what may be seen, what must be kept, and that resuming mends it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
from worker import TOTAL

from advisor.errors import InputError
from advisor.recipe import DataSpec, ModelSpec, Recipe
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.identity import alive, identify, send
from tuner_tui.runs.rehearsed import rehearsal_of
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import Rung, StopLadder
from tuner_tui.runs.supervisor import launch, wait
from tuner_tui.runs.watch import RunWatch
from tuner_tui.training.checkpoint import candidates, newest_valid

WORKER = Path(__file__).with_name("worker.py")
DEADLINE_S = 300.0
PHASES = (
    *("start", "prepare", "rehearse", "load", "baseline", "train", "train", "train"),
    *("evaluate", "save", "export", "index", "report"),
)
RECIPE = Recipe(name="faults", label="ft/sft:lora", model=ModelSpec(id="m"), data=DataSpec(train="t"))
ENDED = (RunState.FINISHED, RunState.STOPPED, RunState.FAILED, RunState.CRASHED)


def final_state() -> str:
    """What an undisturbed run ends with."""
    state = "0" * 64
    for step in range(1, TOTAL + 1):
        state = hashlib.sha256(f"{state}{step}".encode()).hexdigest()
    return state


class Bench:
    """A run that is disturbed again and again until it finishes; then the next one. `table` counts what was seen."""

    def __init__(self, seed: int, disk: Path | None = None) -> None:
        self.disk = disk
        self.teacher = Teacher()
        self.dice = random.Random(seed)
        self.table: Counter[tuple[str, str, str]] = Counter()
        self.run = self.fresh()
        self.finished = 0
        self.log_hurt = False
        self.saved_from = 0

    def fresh(self) -> RunDir:
        run = create_run(RECIPE)
        self.launch(run, resume=False)
        return run

    def launch(self, run: RunDir, resume: bool) -> None:
        launch(run, command=[sys.executable, str(WORKER), str(run.path), *(["--resume"] if resume else [])], keep=())

    def until(self, condition: Callable[[], object]) -> None:
        end, pause = time.monotonic() + DEADLINE_S, threading.Event()
        while not condition():
            assert time.monotonic() < end, f"deadline passed: {state_of(self.run)}"
            pause.wait(0.01)

    @property
    def living(self) -> bool:
        info = self.run.info()
        return info is not None and info.identity is not None and alive(info.identity)

    def signal(self, number: signal.Signals) -> None:
        info = self.run.info()
        assert info is not None
        assert info.identity is not None
        send(info.identity, number)

    def acknowledged(self) -> list[str]:
        path = self.run.path / "acknowledged"
        return path.read_text().splitlines() if path.exists() else []

    def inject(self, name: str) -> None:
        """Wait for a random moment, do it, look, and go on."""
        since, wanted, moment = len(self.acknowledged()), self.dice.choice(PHASES), self.dice.randrange(TOTAL)
        self.until(lambda: self.is_moment(since, wanted, moment) or not self.living)
        phase = self.phase()
        FAULTS[name](self)
        self.check(name)
        self.table[(name, phase, str(state_of(self.run)))] += 1
        self.go_on()

    def is_moment(self, since: int, wanted: str, moment: int) -> bool:
        """Whether this attempt has come to the wanted phase, in training so many steps into it."""
        notes = self.acknowledged()[since:]
        if wanted == "start":
            return True
        if f"phase {wanted}" not in notes:
            return False
        return wanted != "train" or len(notes) >= moment

    def phase(self) -> str:
        told = [line.split()[1] for line in self.acknowledged() if line.startswith("phase")]
        return told[-1] if told else "start"

    def check(self, name: str) -> None:
        """No false state; nothing acknowledged lost."""
        state = state_of(self.run)
        if self.living:
            assert state in (RunState.RUNNING, *ENDED), state
        else:
            assert state in ENDED, (name, state)
        told = [event["t"] for event in Follower(self.run.events_path).poll(1_000_000)]
        if not self.log_hurt:
            kinds = Counter(line.split()[0] for line in self.acknowledged())
            for kind, count in kinds.items():
                assert told.count(kind) >= count, f"{name}: {count - told.count(kind)} acknowledged {kind} lost"
        if state is RunState.FINISHED:
            assert self.run.report() is not None
        exported = self.run.path / "export"
        if (exported / "bulk").exists() and not self.living:
            assert len((exported / "bulk").read_text()) == 6400, "half an export appeared"
        if not self.living:
            notes = self.acknowledged()[self.saved_from :]
            saved = [int(line.split()[1]) for line in notes if line.startswith("checkpoint")]
            found = newest_valid(self.run.checkpoints)[1]
            assert not saved or (found is not None and found.step >= max(saved)), f"{name}: a checkpoint is lost"

    def go_on(self) -> None:
        """Resume what ended early; a finished run must be right, and another takes its place."""
        self.until(lambda: (state_of(self.run) in ENDED and not self.living) or state_of(self.run) is RunState.RUNNING)
        state = state_of(self.run)
        if state is RunState.FINISHED:
            report = self.run.report()
            assert report is not None
            assert report["state"] == final_state(), "resumed to another end"
            self.finished += 1
            self.log_hurt, self.saved_from = False, 0
            self.run = self.fresh()
        elif state is not RunState.RUNNING:
            self.launch(self.run, resume=True)

    def close(self) -> None:
        """Let the last run end by itself: it must end right."""
        if not self.living and state_of(self.run) is not RunState.FINISHED:
            self.launch(self.run, resume=True)
        assert wait(self.run, DEADLINE_S) is RunState.FINISHED
        report = self.run.report()
        assert report is not None
        assert report["state"] == final_state()
        assert (self.run.path / "export" / "state").read_text() == final_state()
        assert rehearsal_of(self.run) is not None
        self.teacher.close()


class Teacher:
    """An endpoint on this machine that answers, or misbehaves as `mode` says."""

    def __init__(self) -> None:
        self.mode = "answers"
        teacher = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if teacher.mode == "hangs":
                    threading.Event().wait(0.6)
                    return
                said = {"choices": [{"message": {"role": "assistant", "content": "4"}}]}
                body = b"<html>no" if teacher.mode == "babbles" else msgspec.json.encode(said)
                self.send_response(503 if teacher.mode == "is down" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: 5 if teacher.mode == "breaks off" else None])

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        os.environ["TUNER_FAULT_URL"] = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


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


def teacher_fails(bench: Bench) -> None:
    """The endpoint is down, hangs, babbles or breaks off just when it is needed: the run fails, and says so."""
    kill(bench)
    if state_of(bench.run) is RunState.FINISHED:
        return
    (bench.run.path / "teacher.jsonl").unlink(missing_ok=True)
    bench.teacher.mode = bench.dice.choice(["is down", "hangs", "babbles", "breaks off"])
    bench.launch(bench.run, resume=True)
    bench.until(lambda: not bench.living)
    assert state_of(bench.run) is RunState.FAILED, bench.teacher.mode
    bench.teacher.mode = "answers"


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
    "endpoint fails": teacher_fails,
    "GPU driver gone": driver_gone,
    "no memory granted": no_memory,
    "disk full": disk_full,
    "disk read-only": disk_read_only,
}
