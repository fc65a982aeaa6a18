"""A crash leaves a bundle that may be shown to others: where it happened and in what, no values, no data, no keys."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import re
import sys
import time
import traceback
from collections.abc import Container
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from tuner_tui import __version__, paths
from tuner_tui.redact import redact
from tuner_tui.safe import clean

MESSAGE = 300
DEEPEST = 60
# What the system says of a path that somebody named.
REFUSED = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
    *(errno.EACCES, errno.EPERM, errno.ENXIO, errno.EINVAL),
)
_FOLDERS = re.compile(r"(?<![\w.…])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\'\":,;]+)*[/\\](?=[^\s/\\'\":,;])")
_QUOTED = re.compile(r"(['\"`])((?:\\.|(?!\1).)*)(?:\1|$)", re.DOTALL)
VERSIONS = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate", "textual", "msgspec")


def bundle(error: BaseException, doing: str) -> dict[str, Any]:
    """What is known about a crash: the chain of errors, each with its place; `doing` names the command."""
    return {
        "tuner": __version__,
        "doing": doing,
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "versions": _versions(),
        "errors": [_one(each) for each in _chain(error)],
    }


def given(error: BaseException) -> InputError | None:
    """The words for what a person named and the system refuses; None for what is a fault of ours."""
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return InputError("file.name", name=ascii(error.object[:200]))
    if isinstance(error, RuntimeError) and str(error).startswith("Could not determine home"):
        return InputError("file.no_home")
    if not isinstance(error, OSError) or error.errno not in REFUSED or error.filename is None:
        return None
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes | os.PathLike) else "?"
    ours = any(mark in Path(path).parts for mark in ("site-packages", "tuner_tui", "advisor"))
    return None if ours else InputError("file.refused", path=path[:200], detail=error.strerror)


def keep(error: BaseException, doing: str, folder: Path | None = None) -> Path | None:
    """Write the bundle, readable by its owner alone; None when that cannot be done."""
    from tuner_tui.runs.directory import write_atomic

    folder = folder or paths.home() / "crashes"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{time.monotonic_ns() % 1_000_000:06d}.json"
        write_atomic(path, json.dumps(bundle(error, doing), indent=2).encode() + b"\n")
    except Exception:
        return None  # a crash on a full disk is told all the same
    return path


def tell(error: BaseException, doing: str, folder: Path | None = None) -> Path | None:
    """The bundle of `keep`; what happened goes to stderr too: nothing in it drives a terminal, and no key is left."""
    path = keep(error, doing, folder)
    with contextlib.suppress(OSError):
        text = redact("".join(traceback.format_exception(error)))
        print(clean(text, len(text) or 1, lines=True), file=sys.stderr)
    return path


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it came from, the last first."""
    found: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in found and len(found) < 8:
        found.append(here)
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    return found


def _one(error: BaseException) -> dict[str, Any]:
    """Its kind, the beginning of its text, and the places it passed: no local variable is looked at."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    places = [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    return {"kind": type(error).__name__, "text": shown(str(error), _words_of(error)), "places": places}


def shown(text: str, known: Container[str]) -> str:
    """The beginning of an error's text without what may be data, or where a person keeps things.

    Of what stands in quotation marks only `known` words stay; of a path its last part.
    """
    text = _FOLDERS.sub("…/", redact(text[: 8 * MESSAGE]))
    return _QUOTED.sub(lambda found: found[0] if found[2] in known else f"{found[1]}…{found[1]}", text)[:MESSAGE]


def _words_of(error: BaseException) -> set[str]:
    """The words that stand in the code itself where an error passed: names and constants, never a value."""
    found, at = set(sys.modules), error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        found |= {*code.co_names, *code.co_varnames, *(each for each in code.co_consts if isinstance(each, str))}
        at = at.tb_next
    return found


def _place(filename: str) -> str:
    """The file below its package's folder: where a person keeps things is nobody's business."""
    parts = Path(filename).parts
    for mark in ("site-packages", "dist-packages", "tuner_tui", "advisor"):
        if mark in parts:
            at = len(parts) - 1 - parts[::-1].index(mark)
            return "/".join(parts[at if mark in ("tuner_tui", "advisor") else at + 1 :])
    return "/".join(parts[-2:])


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
