"""What was there before stays: an export is written aside and appears whole, or nothing changes."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.redact import redact


class Place:
    """The folder of an export. Write under `path`; `commit` moves the entries into `final`."""

    def __init__(self, final: Path, entries: Sequence[str], *, overwrite: bool = False) -> None:
        self.final = final.expanduser().absolute()
        self._entries = tuple(entries)
        self._overwrite = overwrite
        self._refuse_existing()
        self._made = not self.final.exists()
        self.path = self._aside()

    def write(self, name: str, content: str | bytes) -> Path:
        """Write one file, folders made as needed; returns its path (aside, until committed)."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        if redact(text) != text:
            raise InputError("export.secret", file=name)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self) -> list[Path]:
        """Let the entries appear; returns all files written, in order."""
        self._refuse_existing()
        made = sorted(path for path in self.path.rglob("*") if path.is_file())
        names = [path.relative_to(self.path) for path in made]
        for entry in sorted(self.path.iterdir()):
            target = self.final / entry.name
            if target.exists() or target.is_symlink():
                _remove(target)
            entry.rename(target)
        self.discard()
        return [self.final / name for name in names]

    def discard(self) -> None:
        """Remove what was written aside, and the folder itself if it was made for nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._made and not any(self.final.iterdir()):
            self.final.rmdir()

    def _refuse_existing(self) -> None:
        if self.final.exists() and not self.final.is_dir():
            raise InputError("export.not_a_folder", path=self.final)
        there = [name for name in self._entries if os.path.lexists(self.final / name)]
        if there and not self._overwrite:
            raise InputError("export.exists", path=self.final / there[0])

    def _aside(self) -> Path:
        path = self.final / f".export-{secrets.token_hex(4)}"
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise InputError("export.unwritable", path=self.final, detail=error.strerror or str(error)) from None
        return path


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
