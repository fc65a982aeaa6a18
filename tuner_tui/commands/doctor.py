"""`tuner doctor`: what is wrong with this installation, and how to mend it; exit code 1 when something is."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

from advisor.words import Words
from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.doctor import Check, Status, examine
from tuner_tui.words import words

MARKS = {Status.OK: "✓", Status.WARN: "!", Status.FAIL: "✗"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help=words().say("doctor.help.json"))


def run(args: argparse.Namespace) -> int:
    """Examine and tell; 1 when a check failed."""
    told, begun = words(), time.monotonic()
    if not args.json:
        say(told.say("doctor.begins"))
    checks = examine()
    failed = [check for check in checks if check.status is Status.FAIL]
    if args.json:
        seconds = round(time.monotonic() - begun, 1)
        print_json({"ok": not failed, "checks": [document(check, told) for check in checks], "seconds": seconds})
    else:
        print("\n".join(line for check in checks for line in lines(check, told)))
        say(summary(checks, told))
    return ExitCode.FAILED if failed else ExitCode.DONE


def document(check: Check, told: Words) -> dict[str, Any]:
    """One check as data, its words included."""
    found = {name: str(value) for name, value in check.found.items()}
    parts = {"id": check.id, "status": check.status, "case": check.case}
    return {**parts, "text": check.text(told), "mend": check.mend(told), "found": found}


def lines(check: Check, told: Words) -> Iterator[str]:
    """A mark, a word and what is so; below it how to mend it."""
    status = told.say(f"doctor.status.{check.status}")
    yield f"{MARKS[check.status]} {check.id:<13} {status}: {check.text(told)}"
    cure = check.mend(told)
    if cure and check.status is not Status.OK:
        yield f"{'':<16}{told.say('doctor.mend', text=cure)}"


def summary(checks: list[Check], told: Words) -> str:
    """How many are wrong, and where to begin."""
    count = {status: [check for check in checks if check.status is status] for status in Status}
    warned, failed = len(count[Status.WARN]), len(count[Status.FAIL])
    if failed:
        first = f"doctor.{count[Status.FAIL][0].id}"
        return told.say("doctor.some_fail", fail=failed, warn=warned, first=first)
    return told.say("doctor.some_warn", warn=warned) if warned else told.say("doctor.all_well")
