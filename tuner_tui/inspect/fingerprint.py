"""The same data has the same fingerprint wherever it lies; one changed byte gives another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tuner_tui.inspect.documents import files_in

CHUNK = 1 << 20


def fingerprint(path: Path | str) -> str | None:
    """SHA-256 of a file, or of the names and contents of a folder's files; None when it cannot be read."""
    path = Path(path).expanduser()
    try:
        if path.is_file():
            return _of_file(path)
        files = [file for file in files_in(path) if file.is_file()]
        parts = [f"{file.relative_to(path).as_posix()} {_of_file(file)}" for file in files]
    except OSError:
        return None
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest() if parts else None


def _of_file(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            total.update(chunk)
    return total.hexdigest()
