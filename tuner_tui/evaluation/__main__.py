"""The child process that compares: it reads one request, tells its progress line by line, and writes one result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from tuner_tui.child import ended, tell
from tuner_tui.compared import notes
from tuner_tui.evaluation.bakeoff import Asked
from tuner_tui.evaluation.child import device_for
from tuner_tui.evaluation.page import page
from tuner_tui.redact import redacted, redactor
from tuner_tui.runs.directory import write_atomic
from tuner_tui.words import language, words


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare, what was advised, and where the result goes."""

    asked: Asked
    advised: str | None
    out: str


def main(argv: list[str] | None = None) -> int:
    """`python -m tuner_tui.evaluation REQUEST.json`; 0 done, 1 failed, 2 bad input."""
    request = msgspec.json.decode(Path((argv or sys.argv[1:])[0]).read_bytes(), type=Request)
    return ended(lambda: write(request), "compare")


def write(request: Request) -> None:
    """The comparison as JSON and as a page, without keys."""
    result = dict(redacted(work(request), redactor()))
    write_atomic(Path(request.out), msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    told = words()
    shown = page(result, goal=request.asked.goal, lang=language(), say=told.say, notes=notes(result, told))
    write_atomic(Path(request.out).with_suffix(".html"), shown.encode())


def work(request: Request) -> dict[str, Any]:
    """The comparison and its verdict."""
    device = device_for(request.asked.recipe)
    from tuner_tui.evaluation.bakeoff import compare
    from tuner_tui.evaluation.outcome import document, verdict

    found = compare(request.asked, device, tell)
    judged, gaps = verdict(found, goal=request.asked.goal, advised=request.advised, say=words().say)
    return document(found, judged, gaps, request.asked.goal)


if __name__ == "__main__":
    sys.exit(main())
