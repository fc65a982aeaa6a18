"""The user's own reward function runs in its own limited process: it can neither stop nor bend the training.

Limited are its memory, the size of the files that it writes, its time for an answer and its children: it may have none.
The kernel refuses them to everybody but the superuser, whose function runs in a process namespace of its own where that
is allowed: all that it started ends with it, under whatever session. The network is not limited: a function may ask a
judge, but it gets none of our keys.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

MEMORY_BYTES = 2 << 30
FILE_BYTES = 16 << 20
LINE_BYTES = 1 << 20

# Read by a bare interpreter: nothing of ours is imported there. Whatever the function prints goes to stderr.
WORKER = """
import ctypes, importlib.util, json, os, sys
path, name, memory, written = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # the kernel lets the superuser pass
except (ImportError, ValueError, OSError):
    pass
if hasattr(os, "geteuid") and os.geteuid() == 0 and hasattr(ctypes.CDLL(None), "unshare"):
    if ctypes.CDLL(None).unshare(0x20000000) == 0:  # CLONE_NEWPID: the first child is the namespace's first process
        inner = os.fork()
        if inner:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 0xFF)
said = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
spec = importlib.util.spec_from_file_location("reward", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
reward = getattr(module, name)
for line in sys.stdin:
    try:
        value = float(reward(*json.loads(line)))
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        value = None
    said.write(json.dumps(value) + "\\n")
    said.flush()
"""


class Verdicts:
    """Asks the function for one answer after another; a slow, dead or lying one earns that answer 0."""

    def __init__(self, path: Path, function: str, *, timeout_s: float) -> None:
        limits = (str(MEMORY_BYTES), str(FILE_BYTES))
        self._command = [sys.executable, "-I", "-c", WORKER, str(path), function, *limits]
        self._timeout_s = timeout_s
        self._worker: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def __call__(self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[str]) -> list[float]:
        """Rewards of 0..1, one an answer."""
        return [self._ask(case) for case in zip(prompts, answers, references, strict=True)]

    def close(self) -> None:
        """End the worker and whatever it started."""
        if self._worker is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._worker.pid, signal.SIGKILL)
            self._worker.wait()
            self._worker = None

    def _ask(self, case: tuple[str, str, str]) -> float:
        worker = self._started()
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(json.dumps(case).encode() + b"\n")
            worker.stdin.flush()
            value = json.loads(_line(worker.stdout, self._timeout_s))
        except (OSError, ValueError, TimeoutError):
            self.close()
            return 0.0
        return float(min(max(value, 0.0), 1.0)) if isinstance(value, int | float) and value == value else 0.0

    def _started(self) -> subprocess.Popen[bytes]:
        if self._worker is None or self._worker.poll() is not None:
            self.close()
            # No secrets from our environment, no network credentials: only what an interpreter needs.
            kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
            kept |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # threads count as children
            self._worker = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=kept,
                start_new_session=True,
            )
        return self._worker


def _line(stream: IO[bytes], timeout_s: float) -> bytes:
    """One line, or TimeoutError; OSError when the worker is gone."""
    end = time.monotonic() + timeout_s
    found = b""
    while not found.endswith(b"\n"):
        if not select.select([stream], [], [], max(end - time.monotonic(), 0.0))[0]:
            raise TimeoutError
        part = os.read(stream.fileno(), 65536)
        if not part or len(found) > LINE_BYTES:
            raise OSError("no answer")
        found += part
    return found
