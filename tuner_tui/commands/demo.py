"""`tuner demo`: the practice journey for real; in a terminal it opens the app, elsewhere it prints the table."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.contract import COMPARED, JOURNEY, promised
from tuner_tui.words import language, words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to show it."""
    told = words().say
    parser.add_argument("--headless", action="store_true", help=told("demo.help.headless"))
    parser.add_argument("--json", action="store_true", help=told("demo.help.json"))
    parser.add_argument("--bakeoff", choices=("facts", "style", "both"), help=told("compare.help.bakeoff"))


def run(args: argparse.Namespace) -> int:
    """Open the app with the practice answers, walk the journey here, or compare the lanes on the practice world."""
    if args.bakeoff:
        return bakeoff(args.bakeoff, args.json)
    if not args.headless and not args.json and sys.stdin.isatty() and sys.stdout.isatty():
        app: Any = importlib.import_module("tuner_tui.app")
        return int(app.main(demo=True))
    from tuner_tui.journey import journey, table

    done = journey(language(), say)
    if args.json:
        print_json(promised(done, JOURNEY))
    else:
        print(table(done, words()))
    return ExitCode.DONE if done.success else ExitCode.FAILED


def bakeoff(kind: str, as_json: bool) -> int:
    """Compare the lanes of one kind; 0 when the comparison was made, whatever it shows."""
    from tuner_tui.bakeoff import Failed
    from tuner_tui.compared import room_here, table
    from tuner_tui.practice_bakeoff import run_bakeoff

    try:
        document = run_bakeoff(kind, words(), say)
    except Failed as failure:
        say(str(failure))
        return failure.code
    if as_json:
        print_json(promised(document, COMPARED))
    else:
        print(table(document, words(), room_here()))
    return ExitCode.DONE
