"""Indexes of our own home are kept while they are used: 30 days after the last use one is removed, never while open."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path

KEPT_DAYS = 30
LOCK = ".readers"


def use(folder: Path) -> int:
    """Hold an index for reading: the descriptor of its shared lock. The folder is made where there is none."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue
        fcntl.flock(held, fcntl.LOCK_SH)
        if _is_there(held, folder / LOCK):
            os.utime(held)
            return held
        os.close(held)  # it was removed while we waited


def sweep(home: Path) -> list[str]:
    """Remove the indexes in `home` that nobody holds and nobody used for KEPT_DAYS; their names."""
    gone = []
    for folder in sorted(home.iterdir()) if home.is_dir() else []:
        lock = folder / LOCK
        if not lock.is_file() or lock.stat().st_mtime > time.time() - KEPT_DAYS * 86400:
            continue
        held = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder.rename(home / f".gone-{folder.name}"))
            gone.append(folder.name)
        except BlockingIOError:
            continue
        finally:
            os.close(held)
    return gone


def _is_there(held: int, path: Path) -> bool:
    try:
        return os.fstat(held).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
