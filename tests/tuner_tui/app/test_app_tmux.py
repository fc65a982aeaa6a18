"""The real command in a real terminal multiplexer, by keys alone, from the first screen to a finished run and out."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuner_tui import paths
from tuner_tui.words import words

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux"),
    pytest.mark.skipif(not (paths.samples() / "model").is_dir(), reason="needs the practice model"),
]


class Tmux:
    """One server of its own with one window; nothing of another session is touched."""

    def __init__(self, socket: Path, columns: int, rows: int, command: str) -> None:
        self._socket = str(socket)
        self.run("-u", "new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def run(self, *args: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *args], capture_output=True, text=True, check=False)
        return done.stdout

    def screen(self) -> str:
        return self.run("capture-pane", "-p")

    def keys(self, *names: str) -> None:
        self.run("send-keys", *names)

    def until(self, text: str, within_s: float = 300.0) -> str:
        end = time.monotonic() + within_s
        while text not in (shown := self.screen()):
            assert time.monotonic() < end, f"{text!r} never came:\n{shown}"
            time.sleep(0.1)
        return shown


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    command = (
        f"TUNER_HOME={tmp_path / 'home'} OMP_NUM_THREADS=1 "
        f"{sys.executable} -m tuner_tui --lang ko demo; echo left=$?; exec cat"
    )
    session = Tmux(tmp_path / "socket", 80, 24, command)
    yield session
    session.run("kill-server")


def test_enter_walks_from_the_first_screen_to_a_finished_run(tmux: Tmux) -> None:
    say = words("ko").say
    for step in ("goal", "data", "model", "hardware"):
        tmux.until(say(f"step.{step}.title"))
        tmux.keys("Enter")
    tmux.until(say("short.style"))
    tmux.keys("F1")
    tmux.until(say("help.title"))
    tmux.keys("Escape", "F4")
    tmux.until(say("step.plan.title"))
    tmux.until(say("plan.advised")[:20])
    tmux.keys("F4")
    tmux.until(say("state.running"))
    tmux.run("resize-window", "-x", "120", "-y", "40")
    tmux.keys("F2")
    tmux.until(words("en").say("step.run.title"))
    tmux.until(words("en").say("state.finished"), within_s=1500)
    tmux.keys("F4")
    tmux.until(words("en").say("step.results.title"))
    tmux.keys("C-q")
    tmux.until("left=0")
