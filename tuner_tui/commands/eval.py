"""`tuner eval RUN`: base and tuned model of a run on the same questions, of the run or of any file."""

from __future__ import annotations

import argparse
from pathlib import Path

from msgspec import structs

from advisor.errors import InputError
from advisor.methods import Approach
from advisor.recipe import Recipe, decode_recipe, encode_recipe
from tuner_tui import bakeoff, outfile
from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.commands.inspect import mapping_of
from tuner_tui.compared import room_here, table
from tuner_tui.contract import EVALUATED, promised
from tuner_tui.runs.directory import find_run
from tuner_tui.runs.state import state_of
from tuner_tui.words import words

LANES, WITH_PASSAGES = ("zero_shot", "ft"), ("rag", "rag_ft")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, the file, and how its columns are called."""
    told = words().say
    parser.add_argument("run", help=told("runs.help.run"))
    parser.add_argument("--data", metavar="FILE", help=told("compare.help.data"))
    parser.add_argument("--map", metavar="FIELD=COLUMN", action="append", default=[], help=told("compare.help.map"))
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help=told("compare.help.set"))
    parser.add_argument("--html", metavar="FILE", help=told("compare.help.html"))
    parser.add_argument("--details", action="store_true", help=told("cli.help.details"))
    parser.add_argument("--json", action="store_true", help=told("compare.help.json"))


def run(args: argparse.Namespace) -> int:
    """Score and tell."""
    told, found = words(), find_run(args.run)
    html = Path(args.html).expanduser() if args.html else None
    if html is not None:
        outfile.check(html, outfile.is_page)
    tuned = bakeoff.result_of(found)
    if tuned is None:
        raise InputError("compare.unfinished", run=found.id, state=state_of(found))
    own = bakeoff.recipe_of(found)
    try:
        document = bakeoff.compare(
            _changed(own, args),
            _lanes(own),
            tuned=tuned,
            goal=0.9,
            told=told,
            tell=say,
            html=html,
            trained=own.data if args.data else None,
        )
    except bakeoff.Failed as failure:
        say(str(failure))
        return failure.code
    if args.json:
        before, after = document["lanes"]
        scored = {**document, "run": found.id, "before": before, "after": after}
        print_json(promised(scored, EVALUATED, details=args.details))
    else:
        print(table(document, told, room_here()))
    return ExitCode.DONE


def _lanes(recipe: Recipe) -> tuple[str, str]:
    """Before and after, both asked as the run was trained: below passages where it retrieves."""
    passages = recipe.parsed_label.approach is Approach.RAG_FT and recipe.data.docs is not None
    return WITH_PASSAGES if passages else LANES


def _changed(recipe: Recipe, args: argparse.Namespace) -> Recipe:
    """The recipe on the file as named, its columns by `--map`, and single keys."""
    if args.data:
        path, mapping = str(Path(args.data).expanduser().absolute()), {**recipe.data.mapping, **mapping_of(args.map)}
        recipe = structs.replace(recipe, data=structs.replace(recipe.data, eval=path, mapping=mapping))
    return decode_recipe(encode_recipe(recipe), args.run, args.set) if args.set else recipe
