"""A real pseudo-terminal with a child in it: what it sends is read as it comes, with the time at which it came."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable

EMPTY_APP = """
import os
os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
from textual.app import App
from textual.widgets import OptionList, Static
class Empty(App):
    def compose(self):
        yield Static("empty and ready", markup=False)
        yield OptionList(*[f"line {n}" for n in range(20)])
Empty().run()
"""


class Terminal:
    """One child in one terminal of `columns` x `rows`."""

    def __init__(self, *args: str, columns: int = 120, rows: int = 40, env: dict[str, str] | None = None) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The environment is given whole: readline, which pytest loads, puts COLUMNS=80 into the one beneath
            # Python's, and that would win over the terminal's own size.
            known = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
            os.execve(sys.executable, [sys.executable, *args], known)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.sent = b""

    def read(self, wait_s: float) -> bytes:
        """What came within `wait_s`, at once when something came."""
        ready, _, _ = select.select([self.fd], [], [], wait_s)
        if not ready:
            return b""
        try:
            got = os.read(self.fd, 1 << 16)
        except OSError:
            return b""
        self.sent += got
        return got

    def until(self, wanted: str, within_s: float = 60.0) -> float:
        """Seconds since the start until the child had sent this text."""
        return self._until(lambda: wanted.encode() in self.sent, within_s, wanted)

    def until_after(self, mark: int, wanted: str, within_s: float = 60.0) -> float:
        """As `until`, for what was sent from byte `mark` on."""
        return self._until(lambda: wanted.encode() in self.sent[mark:], within_s, wanted)

    def _until(self, condition: Callable[[], bool], within_s: float, what: str) -> float:
        end = time.perf_counter() + within_s
        while not condition():
            assert time.perf_counter() < end, (what, self.sent[-2000:])
            self.read(0.05)
        return time.perf_counter() - self.started

    def quiet(self, for_s: float = 1.5, within_s: float = 60.0) -> None:
        """Read until nothing came for a while."""
        end = time.perf_counter() + within_s
        while self.read(for_s):
            assert time.perf_counter() < end, "never quiet"

    def key(self, keys: bytes, within_s: float = 10.0) -> float:
        """Seconds from a key to the first byte of its effect."""
        began = time.perf_counter()
        os.write(self.fd, keys)
        end = began + within_s
        while not self.read(0.2):
            assert time.perf_counter() < end, "the key had no effect"
        return time.perf_counter() - began

    def write(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.fd, keys)

    def memory_mib(self) -> float:
        """Resident memory of the child."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def maps(self) -> str:
        """The libraries that the child has loaded."""
        with open(f"/proc/{self.pid}/maps", encoding="utf-8", errors="replace") as file:
            return file.read()

    def cpu_s(self) -> float:
        """Processor seconds that the child has used."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def leave(self, keys: bytes = b"\x11", within_s: float = 20.0) -> int:
        """Press the keys that leave; the exit code."""
        os.write(self.fd, keys)
        return self.wait(within_s)

    def wait(self, within_s: float = 20.0) -> int:
        """The exit code; a child that does not end is killed, and that is an error."""
        end = time.perf_counter() + within_s
        while time.perf_counter() < end:
            self.read(0.05)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("the child did not end")

    def close(self) -> None:
        """Leave nothing behind."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
