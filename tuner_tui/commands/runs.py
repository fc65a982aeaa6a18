"""`tuner runs`: every run with the state that is true now."""

from __future__ import annotations

import argparse
import time

import msgspec

from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.runs.directory import RunDir, list_runs
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.watch import glance
from tuner_tui.safe import clean
from tuner_tui.words import words


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list; `created` in unix seconds."""

    id: str
    dir: str
    state: RunState
    label: str | None
    step: int
    steps: int | None
    created: float | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """In which form."""
    parser.add_argument("--json", action="store_true", help=words().say("runs.help.json"))


def run(args: argparse.Namespace) -> int:
    """Print the list, the newest first."""
    found = [listed(made) for made in list_runs()]
    if args.json:
        print_json(found)
    elif not found:
        say(words().say("runs.none"))
    else:
        _print_table(found)
    return ExitCode.DONE


def listed(made: RunDir) -> Listed:
    """What the list says of one run."""
    info, view = made.info(), glance(made)
    return Listed(
        id=made.id,
        dir=str(made.path),
        state=state_of(made),
        label=view.label or (info.label if info else None),
        step=view.step,
        steps=view.total,
        created=info.created if info else None,
    )


def _print_table(found: list[Listed]) -> None:
    width = max(len(one.id) for one in found)
    for one in found:
        created = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.created)) if one.created else "-"
        steps = f"{one.step}/{one.steps if one.steps is not None else '?'}"
        state = words().say(f"runs.state.{one.state}")
        print(f"{clean(one.id):<{width}}  {created}  {steps:>11}  {clean(one.label or '-', 40):<28}  {state}")
