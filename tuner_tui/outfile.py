"""A file that a person asks for: looked at before the work begins, there whole or not at all, in the place of no other.

What stands there already is replaced only where `ours` knows it as an earlier one of its kind.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from advisor.document import parse_document
from advisor.errors import InputError
from tuner_tui.foreign import opened
from tuner_tui.runs.directory import write_atomic

LOOK_BYTES = 1 << 22
Ours = Callable[[bytes], bool]


def check(path: Path, ours: Ours) -> None:
    """InputError when `write` could not write there, or would replace a file of another kind."""
    try:
        _check(path, ours)
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from None


def write(path: Path, content: bytes, ours: Ours) -> None:
    """Write it; a device or pipe such as /dev/stdout is written into. InputError as `check` has it."""
    try:
        _check(path, ours)
        place = path.resolve()
        if place.exists() and not place.is_file():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC), "wb") as file:
                file.write(content)
        else:
            write_atomic(place, content)
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, error) from None


def _check(path: Path, ours: Ours) -> None:
    place = path.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    mode = place.stat().st_mode if place.exists() else None
    if mode is not None and stat.S_ISDIR(mode):
        _refuse(errno.EISDIR)
    if mode is not None and stat.S_ISREG(mode):
        with opened(place) as file:
            before = file.read(LOOK_BYTES)
        if before.strip() and not ours(before):
            raise InputError("file.other", path=str(path))
    beside = place.parent if mode is None or stat.S_ISREG(mode) else place
    if not os.access(beside, os.W_OK):
        _refuse(errno.EACCES)


def holds(*keys: str) -> Ours:
    """Knows a mapping, JSON or YAML, that has all of these keys."""

    def ours(content: bytes) -> bool:
        try:
            found = parse_document(content, "-")
        except InputError:
            return False
        return isinstance(found, dict) and all(key in found for key in keys)

    return ours


def is_page(content: bytes) -> bool:
    """Knows a page of HTML."""
    return content.lstrip()[:14].lower() == b"<!doctype html"


def _refuse(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))


def _unwritable(path: Path, error: OSError | RuntimeError) -> InputError:
    detail = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return InputError("file.unwritable", path=str(path)[:300], detail=detail)
