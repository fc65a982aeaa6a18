"""`tuner coach RUN`: what the coach finds in a run, live or recorded, and its action done on request."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import advisor.coach
from advisor.errors import InputError
from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.runs.actions import begin_anew, begins_anew, is_safe
from tuner_tui.runs.coach import coach_for, note
from tuner_tui.runs.directory import RunDir, find_run
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.foreground import POLL_S, Countdown
from tuner_tui.runs.outcome import outcome_of
from tuner_tui.runs.state import state_of
from tuner_tui.runs.stop import Rung
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run or its event log, and in which form."""
    parser.add_argument("run", help=words().say("runs.help.log"))
    parser.add_argument("--do", metavar="ID", help=words().say("runs.help.do"))
    parser.add_argument("--json", action="store_true", help=words().say("runs.help.json"))


def run(args: argparse.Namespace) -> int:
    """Replay the log past the coach and print every finding, in the order in which it was found."""
    path = Path(args.run).expanduser()
    if args.do:
        return _do(find_run(args.run), args.do)
    made = RunDir(path.resolve().parent) if path.is_file() else find_run(args.run)
    found = _of_log(made, path if path.is_file() else made.events_path)
    if args.json:
        print_json(found)
        return ExitCode.DONE
    if not found:
        say(words().say("runs.coach.none"))
    for one in found:
        for line in _lines(one):
            print(line)
    return ExitCode.DONE


def _of_log(made: RunDir, path: Path) -> list[dict[str, Any]]:
    coach, follower = coach_for(made), Follower(path)
    try:
        while events := follower.poll():
            coach.take_all(events)
    finally:
        follower.close()
    return [{**note(finding, words()), "name": _told(finding.id, "name")} for finding in coach.findings]


def _do(made: RunDir, wanted: str) -> int:
    """Stop the run, and begin anew where the action says so; the last line on stdout is the run that counts then."""
    action = next((one["action"] for one in _of_log(made, made.events_path) if one["id"] == wanted), None)
    if not is_safe(action):
        raise InputError("runs.no_action", action=wanted)
    if state_of(made).live:
        countdown = Countdown(made, words(), say)
        while countdown.look() is not Rung.GONE:
            time.sleep(POLL_S / 2)
    if begins_anew(action):
        made = begin_anew(made, str(action))
        say(words().say("runs.detached", run=made.id))
    print_json(outcome_of(made))
    return ExitCode.DONE


def _told(id_: str, part: str) -> str:
    return words().say(f"coach.{id_}.{part}")


def _lines(one: dict[str, Any]) -> list[str]:
    rule = advisor.coach.BY_ID[one["id"]]
    sources = [words().say("runs.coach.source", source=title) for title, _ in rule.sources]
    action = words().say("runs.coach.action", action=_told(rule.id, "action"))
    head = words().say("runs.coach.found", id=rule.id, name=one["name"], step=one["step"])
    return [head, *(f"  {line}" for line in (one["text"], action, *sources))]
