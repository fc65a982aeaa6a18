"""One lock a device: whoever trains holds it until its process is gone, however it goes; nothing to clean up."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from tuner_tui import paths


def lock_path(device: str) -> Path:
    """The lock of a device: a GPU's UUID, or `cpu`. Locks are local to this machine, also on a shared home."""
    import socket

    name = re.sub(r"[^A-Za-z0-9-]+", "-", f"{socket.gethostname()}-{device}")
    return paths.home() / "locks" / f"{name}.lock"


def try_lock(device: str) -> int | None:
    """An open descriptor that holds the device's lock, None when someone else does.

    The lock belongs to the open file: a child that inherits the descriptor keeps it when we are gone, and the system
    frees it when the last of them ends, by whatever death.
    """
    path = lock_path(device)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def is_free(device: str) -> bool:
    """Whether nobody holds the device's lock now."""
    fd = try_lock(device)
    if fd is not None:
        os.close(fd)
    return fd is not None


def is_written(log: Path) -> bool:
    """Whether a process holds this event log as its only writer; False where there is no log."""
    try:
        fd = os.open(log, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
