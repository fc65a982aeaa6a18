"""`tuner rehearse RECIPE`: the longest real batch through all that a run does; exit code 3 when it does not fit."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner_tui.commands import ExitCode, print_json, read_text, say, told_recipe
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.progress import rehearsal_lines
from tuner_tui.runs.rehearsal import Rehearsed, measured_of, rehearse
from tuner_tui.runs.rehearsed import changes
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipe, changes to it, and in which form."""
    told = words().say
    parser.add_argument("recipe", help=told("runs.help.recipe"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=told("runs.help.set"))
    parser.add_argument("--json", action="store_true", help=told("runs.help.json"))


def run(args: argparse.Namespace) -> int:
    """Rehearse, print what was measured, and what must change where it does not fit."""
    text, source = read_text(args.recipe)
    base = None if source == "stdin" else Path(source).absolute().parent
    recipe = prepare(told_recipe(text, source, args.set), source, base)
    say(words().say("runs.rehearse.begins"))
    found = rehearse(recipe)
    if args.json:
        print_json(found)
    for line in told(found, args.recipe):
        (say if args.json else print)(line)
    return code_of(found)


def code_of(found: Rehearsed) -> int:
    """0 fits, 3 does not, else how the rehearsal itself failed."""
    if found.fits:
        return ExitCode.DONE
    if found.change is not None:
        return ExitCode.REFUSED
    return found.exit_code or ExitCode.FAILED


def told(found: Rehearsed, source: str) -> list[str]:
    """What was measured, stage by stage, and the verdict."""
    if found.peak_bytes is None:
        return [words().say("runs.rehearse.failed", why=found.text or "?")]
    lines = rehearsal_lines(measured_of(found), words())
    if found.fits:
        return [*lines, words().say("runs.rehearse.fits")]
    key = "runs.rehearse.change_shorter" if "train.max_length" in (found.change or {}) else "runs.rehearse.change"
    return [*lines, words().say(key, recipe=source, changes=changes(measured_of(found)))]
