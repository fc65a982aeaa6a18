"""What was written here is known again: sealed with a key that never leaves its owner's TUNER_HOME."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from pathlib import Path

from tuner_tui import paths

KEY_BYTES = 32


def key_path() -> Path:
    """The file that holds the key."""
    return paths.home() / "trust.key"


def seal(content: bytes) -> str | None:
    """The seal (HMAC-SHA256, hexadecimal) of some bytes; None when there can be no key here."""
    with contextlib.suppress(OSError):
        if not key_path().exists():
            _make()
        key = _read()
        return None if key is None else hmac.digest(key, content, "sha256").hex()
    return None


def sealed(content: bytes, found: str | None) -> bool:
    """Whether `found` is the seal that this TUNER_HOME gives to `content`."""
    wanted = seal(content)
    return wanted is not None and found is not None and hmac.compare_digest(wanted, found)


def _read() -> bytes | None:
    """The key; None when others could have read or put it there."""
    descriptor = os.open(key_path(), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        key = os.read(descriptor, KEY_BYTES)
    finally:
        os.close(descriptor)
    own = status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return key if own and len(key) == KEY_BYTES else None


def _make() -> None:
    """Let a whole key appear, readable by its owner alone; another process's key that came first stays."""
    path = key_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".trust-{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileExistsError):
        os.link(aside, path)
    aside.unlink()
