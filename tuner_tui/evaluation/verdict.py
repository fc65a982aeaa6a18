"""The user's own reward function runs in its own limited process: it can neither stop nor bend the training.

Limited are its memory, the size of the files that it writes, what it prints, its time to load and for an answer, and
its children: it may have none. The kernel refuses them to everybody but the superuser, whose function runs in a process
namespace of its own where that is allowed: all that it started ends with it, under whatever session. The network is not
limited: a function may ask a judge, but it gets none of our keys.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tuner_tui.evaluation.troubles import Troubles

MEMORY_BYTES = 2 << 30
FILE_BYTES = 16 << 20
LINE_BYTES = 1 << 20

LOAD_S = 60.0
PRINTED_BYTES = 64 << 10
READY = "ready"

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


def tell(value):
    said.write(json.dumps(value) + "\\n")
    said.flush()


tell("ready")
for line in sys.stdin:
    try:
        tell(float(reward(*json.loads(line))))
    except Exception as error:
        tell(f"{type(error).__name__}: {error}"[:500])
"""


class Verdicts:
    """Asks the function for one answer after another; a slow, dead or lying one earns that answer 0."""

    def __init__(self, path: Path, function: str, *, timeout_s: float) -> None:
        limits = (str(MEMORY_BYTES), str(FILE_BYTES))
        self._command = [sys.executable, "-I", "-c", WORKER, str(path), function, *limits]
        self._timeout_s = timeout_s
        self._worker: subprocess.Popen[bytes] | None = None
        self._printed, self._last = 0, b""
        self.troubles = Troubles()
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
            for pipe in (self._worker.stdin, self._worker.stdout, self._worker.stderr):
                assert pipe is not None
                pipe.close()
            self._worker = None

    def _ask(self, case: tuple[str, str, str]) -> float:
        self.troubles.asked += 1
        try:
            worker = self._started()
            value = json.loads(self._exchange(worker, json.dumps(case).encode() + b"\n", self._timeout_s))
        except TimeoutError as late:
            self.troubles.failed("late", f"{late} s")
        except (OSError, ValueError):
            self.troubles.failed("ended", self._last.decode(errors="replace").strip())
        else:
            return self._within(value)
        self.close()
        return 0.0

    def _within(self, value: object) -> float:
        """The number that was returned, cut to 0..1; 0 for what is none."""
        if isinstance(value, str):
            self.troubles.failed("raised", value)
            return 0.0
        if not isinstance(value, int | float) or not math.isfinite(value):
            self.troubles.failed("no_number", str(value))
            return 0.0
        self.troubles.beyond += not 0 <= value <= 1
        return float(min(max(value, 0.0), 1.0))

    def _started(self) -> subprocess.Popen[bytes]:
        """The worker, its function loaded. TimeoutError, OSError: it could not be."""
        if self._worker is None or self._worker.poll() is not None:
            self.close()
            # No secrets from our environment, no network credentials: only what an interpreter needs.
            kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
            kept |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # threads count as children
            self._worker = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=kept,
                start_new_session=True,
            )
            self._last = b""
            if json.loads(self._exchange(self._worker, b"", LOAD_S)) != READY:
                raise OSError("not loaded")
        return self._worker

    def _exchange(self, worker: subprocess.Popen[bytes], asked: bytes, limit_s: float) -> bytes:
        """Write what is asked and read one line, both within `limit_s`; what is printed meanwhile goes to our log.

        TimeoutError names the limit; OSError: the worker is gone, or what it says is no line.
        """
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stderr is not None
        os.set_blocking(worker.stdin.fileno(), False)
        end, found, heard = time.monotonic() + limit_s, b"", [worker.stdout, worker.stderr]
        while not found.endswith(b"\n"):
            writing = [worker.stdin] if asked else []
            ready = select.select(heard, writing, [], max(end - time.monotonic(), 0.0))
            if not any(ready):
                raise TimeoutError(f"{limit_s:g}")
            if ready[1]:
                asked = asked[os.write(worker.stdin.fileno(), asked) :]
            if worker.stderr in ready[0] and not self._heard(os.read(worker.stderr.fileno(), 65536)):
                heard.remove(worker.stderr)
            if worker.stdout in ready[0]:
                part = os.read(worker.stdout.fileno(), 65536)
                if not part or len(found) > LINE_BYTES:
                    self._heard(os.read(worker.stderr.fileno(), 65536) if worker.stderr in heard else b"")
                    raise OSError("no answer")
                found += part
        return found

    def _heard(self, printed: bytes) -> bytes:
        """Pass on what the function prints, as much as a log can hold; its last line may say why it ended."""
        self._last = (printed.strip().splitlines() or [self._last])[-1][-500:]
        passed = printed[: max(PRINTED_BYTES - self._printed, 0)]
        self._printed += len(passed)
        sys.stderr.write(passed.decode(errors="replace"))
        return printed
