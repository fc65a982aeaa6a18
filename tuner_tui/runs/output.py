"""What a training process printed is delivered once, line by line, cleaned; a progress bar counts as its last state."""

from __future__ import annotations

import os
import stat

from tuner_tui.runs.directory import RunDir
from tuner_tui.safe import clean

FIRST_BYTES = 1 << 16
CHUNK = 1 << 16
MAX_LINE = 400


class Output:
    """Follows a run's `output.log`; attaching begins at its last FIRST_BYTES."""

    def __init__(self, run: RunDir) -> None:
        self._path = run.log_path
        self._offset: int | None = None
        self._rest = b""

    def poll(self) -> list[str]:
        """The whole lines that are new, at most one chunk of them."""
        data = self._read()
        if not data:
            return []
        lines = (self._rest + data).split(b"\n")
        # A bar redraws itself without ending its line: only what came last is of interest.
        self._rest = lines.pop()[-CHUNK:]
        found = (line.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace") for line in lines)
        return [clean(line, MAX_LINE) for line in found if line.strip()]

    def _read(self) -> bytes:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return b""
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return b""
            if self._offset is None or status.st_size < self._offset:
                self._offset, self._rest = max(0, status.st_size - FIRST_BYTES), b""
            data = os.pread(fd, CHUNK, self._offset)
        finally:
            os.close(fd)
        self._offset += len(data)
        return data
