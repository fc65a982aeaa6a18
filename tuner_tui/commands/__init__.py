"""One module a command: `add_arguments(parser)`, `run(args) -> exit code`; stdout = data, stderr = words."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from advisor.errors import InputError
from tuner_tui.redact import redact
from tuner_tui.safe import clean

if TYPE_CHECKING:
    from advisor.recipe import Recipe

MAX_BYTES = 1 << 28


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    INTERRUPTED = 130


_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def _escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def print_json(value: object) -> None:
    """One JSON document on stdout, non-ASCII kept readable, what could drive a terminal written as JSON escapes."""
    sys.stdout.write(_UNSAFE.sub(_escaped, msgspec.json.encode(value).decode()) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Words for the person, on stderr; names of files and texts of models in them cannot drive the terminal.

    Where it is redirected it is a log like any other, so no key is said either.
    """
    print(clean(redact(text), 1 << 20, lines=True), file=sys.stderr, flush=True)


def told_recipe(text: bytes, source: str, changes: Iterable[str] = ()) -> Recipe:
    """The recipe; where it is of an earlier version, what that version meant otherwise is said."""
    from advisor.recipe import decode_recipe
    from advisor.upgrade import Upgrade
    from tuner_tui.words import words

    upgrades: list[Upgrade] = []
    recipe = decode_recipe(text, source, changes, upgrades)
    for each in upgrades:
        say(each.text(words()))
    return recipe


def read_text(path: str) -> tuple[bytes, str]:
    """The bytes of a file, or of standard input for `-`, and the name to use in errors."""
    if path == "-":
        return _bounded(sys.stdin.buffer, "stdin"), "stdin"
    try:
        with Path(path).open("rb") as file:
            return _bounded(file, path), path
    except FileNotFoundError:
        raise InputError("file.missing", path=path) from None
    except OSError as error:
        raise InputError("file.unreadable", path=path, detail=error.strerror or str(error)) from None


def _bounded(file: BinaryIO, name: str) -> bytes:
    """All of a file, or InputError when it has no end in sight (a device, a wrong file)."""
    found = file.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise InputError("file.too_large", path=name, mib=MAX_BYTES >> 20)
    return found
