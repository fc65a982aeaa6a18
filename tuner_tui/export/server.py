"""A server for one folder of whole weights: on this machine only, asked only with its key, ended with its owner."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from tuner_tui.export.serving import KEY
from tuner_tui.runs.spawn import child_environment
from tuner_tui.words import language

HOST = "127.0.0.1"
NEEDED = ("fastapi", "uvicorn", "openai")
READY_S = 600.0
LOOK_S = 0.5


def missing_parts() -> list[str]:
    """The libraries that serving needs and that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Server:
    """transformers' own server with this folder's model. A context manager: on leaving, the process is gone."""

    def __init__(self, folder: Path, *, name: str, port: int, key: str) -> None:
        self._key = key
        self.url = f"http://{HOST}:{port}"
        command = [sys.executable, "-P", "-m", "tuner_tui.export.serving", f"--name={name}", f"--host={HOST}"]
        self._process = subprocess.Popen(
            [*command, f"--port={port}", "--", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            # Whole weights need no network.
            env={**child_environment(os.environ), "TUNER_LANG": language(), "HF_HUB_OFFLINE": "1", KEY: key},
        )

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ready(self) -> bool:
        """Wait until the server says that it is healthy; False when it ended or took too long."""
        until = time.monotonic() + READY_S
        while self._process.poll() is None and time.monotonic() < until:
            try:
                return bool(self.ask("/health"))
            except (OSError, ValueError, urllib.error.URLError):
                time.sleep(LOOK_S)
        return False

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON that the server answers; OSError when it answers with an error or not at all."""
        head = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        content = None if body is None else json.dumps(body).encode()
        # No proxy stands between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(f"{self.url}{path}", content, head), timeout=READY_S) as reply:
            return json.load(reply)

    def wait(self) -> int:
        """Wait until the server ends by itself; returns its exit code."""
        return self._process.wait()

    def stop(self) -> None:
        """End the server: asked first, then made to."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
