"""What a child process says while it works: a line of progress for each event on stdout, and a true exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec

from advisor.errors import InputError
from tuner_tui import crash
from tuner_tui.redact import redact
from tuner_tui.words import language

WORK_FAILED = ("endpoint.failed", "endpoint.refused", "endpoint.cap", "endpoint.limit")
"""What somebody else's program did, or a limit that was reached: what was asked for was no bad input."""


def tell(event: str, **fields: object) -> None:
    """One line of progress on stdout."""
    sys.stdout.write(msgspec.json.encode({"t": event, **fields}).decode() + "\n")
    sys.stdout.flush()


def ended(work: Callable[[], None], doing: str) -> int:
    """Do the work: 0 done; 1 failed, with a crash bundle that names what was being done; 2 bad input. Both are told."""
    try:
        work()
    except InputError as error:
        tell("error", text=error.text(language()))
        return 1 if error.code in WORK_FAILED else 2
    except Exception as error:
        if (refused := crash.given(error)) is not None:
            tell("error", text=refused.text(language()))
            return 2
        crash.tell(error, doing)
        tell("error", text=redact(f"{type(error).__name__}: {error}")[:300])
        return 1
    return 0
