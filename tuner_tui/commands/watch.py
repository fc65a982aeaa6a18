"""`tuner watch RUN`: attach to a run and follow it to its end; leaving changes nothing for the run."""

from __future__ import annotations

import argparse
import time

from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.runs.directory import RunDir, find_run
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.foreground import POLL_S
from tuner_tui.runs.outcome import outcome_of, tell
from tuner_tui.runs.progress import Progress
from tuner_tui.runs.state import state_of
from tuner_tui.runs.watch import RunWatch
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, and in which form."""
    parser.add_argument("run", help=words().say("runs.help.run"))
    parser.add_argument("--json", action="store_true", help=words().say("runs.help.events"))


def run(args: argparse.Namespace) -> int:
    """Follow to the end; the exit code is the run's: 0 only for a checked success."""
    found = find_run(args.run)
    try:
        _events(found) if args.json else _lines(found)
    except KeyboardInterrupt:
        if not state_of(found).ended:
            say(words().say("runs.detached", run=found.id))
        return ExitCode.INTERRUPTED
    outcome = outcome_of(found)
    for line in tell(found, outcome, words()):
        say(line)
    return ExitCode.DONE if outcome.success else ExitCode.FAILED


def _events(found: RunDir) -> None:
    """Every event as it comes, one JSON object a line."""
    follower = Follower(found.events_path)
    while True:
        ended = state_of(found).ended
        while events := follower.poll():
            for event in events:
                print_json(event)
        if ended:
            return
        time.sleep(POLL_S)


def _lines(found: RunDir) -> None:
    """Progress in words on stdout: here it is what was asked for."""
    watch, progress = RunWatch(found), Progress(words())
    while True:
        ended = state_of(found).ended
        while events := watch.poll():
            for line in progress.lines(events, watch.view):
                print(line, flush=True)
        if ended:
            return
        time.sleep(POLL_S)
