"""`tuner stop RUN`: a clean stop with a checkpoint, and harder only when that is not heeded in its time."""

from __future__ import annotations

import argparse
import time

from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.runs.directory import RunDir, find_run
from tuner_tui.runs.foreground import POLL_S, Countdown
from tuner_tui.runs.outcome import outcome_of, tell
from tuner_tui.runs.queue import leave_queue, ticket_of
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.stop import GRACE_S, Rung
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, and how patient to be."""
    told = words().say
    parser.add_argument("run", help=told("runs.help.run"))
    parser.add_argument("--grace", type=float, default=GRACE_S[0], metavar="SECONDS", help=told("runs.help.grace"))
    parser.add_argument("--json", action="store_true", help=told("runs.help.json"))


def run(args: argparse.Namespace) -> int:
    """Stop and wait until it is gone; stopping what has ended is no error."""
    found = find_run(args.run)
    if state_of(found) is RunState.QUEUED and ticket_of(found) is not None and leave_queue(found):
        say(words().say("runs.queue.left", run=found.id))
    elif not state_of(found).live:
        say(words().say("runs.stop.not_running", run=found.id, state=words().say(f"runs.state.{state_of(found)}")))
    elif not _stop(found, max(0.0, args.grace)):
        say(words().fault("runs.stop.stuck", run=found.id))
        return ExitCode.FAILED
    else:
        for line in tell(found, outcome_of(found), words()):
            say(line)
    if args.json:
        print_json(outcome_of(found))
    return ExitCode.DONE


def _stop(found: RunDir, grace_s: float) -> bool:
    """Whether the process is gone in the end."""
    countdown = Countdown(found, words(), say, (grace_s, min(grace_s, GRACE_S[1]), GRACE_S[2]))
    while countdown.look() is not Rung.GONE:
        if countdown.overdue:
            return False
        time.sleep(POLL_S / 2)
    return True
