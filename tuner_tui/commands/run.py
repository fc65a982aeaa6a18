"""`tuner run RECIPE`: nothing starts before the recipe is checked; exit code 0 only for a checked success."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner_tui.commands import ExitCode, print_json, read_text, say, told_recipe
from tuner_tui.runs.after import goes_on_from
from tuner_tui.runs.directory import Rehearse, RunDir, create_run
from tuner_tui.runs.foreground import counted_interrupts, follow
from tuner_tui.runs.outcome import outcome_of, tell
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.state import RunState
from tuner_tui.runs.supervisor import launch
from tuner_tui.runs.view import RunView
from tuner_tui.runs.watch import glance
from tuner_tui.words import words

CHILD_CODES = {2: ExitCode.USAGE, 3: ExitCode.REFUSED}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe, changes to it, and how to follow it."""
    told = words().say
    parser.add_argument("recipe", help=told("runs.help.recipe"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=told("runs.help.set"))
    parser.add_argument("--from", dest="earlier", metavar="RUN", help=told("training.help.from"))
    add_rehearsing(parser)
    add_following(parser)


def add_rehearsing(parser: argparse.ArgumentParser) -> None:
    """What to do about the rehearsal that comes before the first step."""
    told = words().say
    chosen = parser.add_mutually_exclusive_group()
    for option, means in (("--fit", Rehearse.FIT), ("--no-rehearsal", Rehearse.SKIP)):
        key = f"runs.help.rehearse.{means}"
        chosen.add_argument(option, dest="rehearse", action="store_const", const=means, help=told(key))


def add_following(parser: argparse.ArgumentParser) -> None:
    """Options of every command that starts a run."""
    told = words().say
    parser.add_argument("--detach", action="store_true", help=told("runs.help.detach"))
    parser.add_argument("--json", action="store_true", help=told("runs.help.json"))


def run(args: argparse.Namespace) -> int:
    """Check, create, launch, follow."""
    text, source = read_text(args.recipe)
    base = None if source == "stdin" else Path(source).absolute().parent
    asked = told_recipe(text, source, args.set)
    recipe = prepare(goes_on_from(asked, args.earlier) if args.earlier else asked, source, base)
    with counted_interrupts() as interrupts:
        made = create_run(recipe, rehearse=args.rehearse or Rehearse.FIRST)
        launch(made)
        if args.detach:
            return leave(made, args.json)
        say(words().say("runs.started", run=made.id, path=made.path))
        follow(made, interrupts, words(), say)
        return finish(made, interrupted=interrupts.count > 0, quiet=args.json)


def leave(made: RunDir, quiet: bool) -> int:
    """Say how to come back to a run that goes on by itself."""
    if not quiet:
        say(words().say("runs.detached", run=made.id))
    print_json(outcome_of(made))
    return ExitCode.DONE


def finish(made: RunDir, *, interrupted: bool = False, quiet: bool = False) -> int:
    """Say how the run ended; the exit code is true. `quiet`: only failures are put in words."""
    outcome = outcome_of(made)
    if not (quiet and outcome.success):
        for line in tell(made, outcome, words()):
            say(line)
    print_json(outcome)
    if outcome.success:
        return ExitCode.DONE
    if interrupted and outcome.state is not RunState.FINISHED:
        return ExitCode.INTERRUPTED
    return _failure(outcome.state, glance(made))


def _failure(state: RunState, view: RunView) -> int:
    """The child's own verdict on bad input or refusal, else failed."""
    if state is not RunState.FAILED:
        return ExitCode.FAILED
    return CHILD_CODES.get(view.exit_code or 1, ExitCode.FAILED)
