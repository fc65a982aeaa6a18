"""One fault in one phase of a real process: what may be seen, what must be kept, and that resuming mends it."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
from worker import TOTAL

from advisor.recipe import DataSpec, ModelSpec, Recipe
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.identity import alive, send
from tuner_tui.runs.outcome import outcome_of, tell
from tuner_tui.runs.rehearsed import rehearsal_of
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import launch, wait
from tuner_tui.training.checkpoint import newest_valid
from tuner_tui.words import words

WORKER = Path(__file__).with_name("worker.py")
DEADLINE_S = 300.0
PHASES = (
    *("start", "prepare", "rehearse", "load", "baseline", "train"),
    *("evaluate", "save", "export", "index", "report"),
)
TRIES = 5
RECIPE = Recipe(name="faults", label="ft/sft:lora", model=ModelSpec(id="m"), data=DataSpec(train="t"))
ENDED = (RunState.FINISHED, RunState.STOPPED, RunState.FAILED, RunState.CRASHED)


def final_state() -> str:
    """What an undisturbed run ends with."""
    state = "0" * 64
    for step in range(1, TOTAL + 1):
        state = hashlib.sha256(f"{state}{step}".encode()).hexdigest()
    return state


class Bench:
    """A run that is disturbed again and again until it finishes; then the next one.

    `table` counts fault, phase and the state seen right after; `told` is what the user read, `resumed` how often the
    run had to be resumed, both by fault.
    """

    def __init__(self, seed: int, disk: Path | None = None) -> None:
        self.disk = disk
        self.teacher = Teacher()
        self.dice = random.Random(seed)
        self.table: Counter[tuple[str, str, str]] = Counter()
        self.told: dict[str, str] = {}
        self.resumed: Counter[str] = Counter()
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

    def inject(self, name: str, harm: Callable[[Bench], None], wanted: str) -> None:
        """Wait for the wanted phase, in training for a random step of it, do harm, look, and go on."""
        for _ in range(TRIES):
            since, moment = len(self.acknowledged()), self.dice.randrange(TOTAL)
            self.until(lambda since=since, moment=moment: self.is_moment(since, wanted, moment) or not self.living)
            if self.living:
                break
            self.go_on(name)  # it is past that phase: the next attempt, or the next run, comes to it
        phase = self.phase()
        harm(self)
        self.check(name)
        self.table[(name, phase, str(state_of(self.run)))] += 1
        self.go_on(name)

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
        for lang in ("en", "ko"):
            lines = tell(self.run, outcome_of(self.run), words(lang))
            assert lines
            assert all(line.strip() and "{" not in line for line in lines), lines
            if lang == "en" and not self.living and (state is not RunState.FINISHED or name not in self.told):
                self.told[name] = lines[0]
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

    def go_on(self, name: str) -> None:
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
            self.resumed[name] += 1
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
