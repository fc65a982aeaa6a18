"""`tuner eval RUN`: base and tuned model of a run on the same questions, of the run or of any file."""

from __future__ import annotations

import argparse
from pathlib import Path

from msgspec import structs

from advisor.errors import InputError
from tuner_tui import bakeoff
from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.runs.directory import find_run
from tuner_tui.runs.state import state_of
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run and the file."""
    told = words().say
    parser.add_argument("run")
    parser.add_argument("--data", metavar="FILE", help=told("compare.help.data"))
    parser.add_argument("--json", action="store_true", help=told("compare.help.json"))


def run(args: argparse.Namespace) -> int:
    """Score and tell."""
    told, found = words(), find_run(args.run)
    tuned = bakeoff.result_of(found)
    if tuned is None:
        raise InputError("compare.unfinished", run=found.id, state=state_of(found))
    recipe = bakeoff.recipe_of(found)
    if args.data:
        path = str(Path(args.data).expanduser().absolute())
        recipe = structs.replace(recipe, data=structs.replace(recipe.data, eval=path))
    try:
        document = bakeoff.compare(recipe, ["zero_shot", "ft"], tuned=tuned, goal=0.9, told=told, tell=say)
    except bakeoff.Failed as failure:
        say(str(failure))
        return failure.code
    if args.json:
        before, after = document["lanes"]
        print_json({"run": found.id, "items": document["items"], "before": before, "after": after})
    else:
        print(bakeoff.table(document, told))
    return ExitCode.DONE
