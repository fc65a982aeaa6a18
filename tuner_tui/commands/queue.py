"""`tuner queue [RECIPE...]`: runs wait for their turn on a device; without a recipe, who waits and for what."""

from __future__ import annotations

import argparse
from pathlib import Path

from advisor.recipe import Recipe
from tuner_tui.commands import ExitCode, print_json, read_text, say, told_recipe
from tuner_tui.commands.run import add_rehearsing
from tuner_tui.runs.devices import devices
from tuner_tui.runs.directory import Rehearse, create_run
from tuner_tui.runs.need import need_bytes
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.queue import GIB, Waiting, listed, queue_up, revive
from tuner_tui.safe import clean
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The recipes, changes to them, and what they may use."""
    told = words().say
    parser.add_argument("recipes", nargs="*", help=told("runs.help.recipes"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=told("runs.help.set"))
    parser.add_argument("--gpu", action="append", type=int, default=[], metavar="N", help=told("runs.help.gpu"))
    parser.add_argument("--need", type=float, metavar="GIB", help=told("runs.help.need"))
    add_rehearsing(parser)
    parser.add_argument("--json", action="store_true", help=told("runs.help.json"))


def run(args: argparse.Namespace) -> int:
    """Check every recipe before the first is queued; refuse what can never fit."""
    ready = [_ready(source, args.set) for source in args.recipes]
    needs = [_need(recipe, args.need) for recipe in ready]
    for source, need in zip(args.recipes, needs, strict=True):
        if not _may_fit(source, need, tuple(args.gpu)):
            return ExitCode.REFUSED
    for recipe, need in zip(ready, needs, strict=True):
        made = create_run(recipe, rehearse=args.rehearse or Rehearse.FIRST)
        queue_up(made, need_bytes=need, gpus=args.gpu)
        say(words().say("runs.queue.joined", run=made.id))
    for again in revive():
        say(words().say("runs.queue.revived", run=again.id))
    _print(listed(), args.json)
    return ExitCode.DONE


def _ready(source: str, changes: list[str]) -> Recipe:
    text, name = read_text(source)
    base = None if name == "stdin" else Path(name).absolute().parent
    return prepare(told_recipe(text, name, changes), name, base)


def _need(recipe: Recipe, asked: float | None) -> int | None:
    return int(asked * GIB) if asked is not None else need_bytes(recipe)


def _may_fit(source: str, need: int | None, gpus: tuple[int, ...]) -> bool:
    """Whether a device could ever hold it; says so when none could."""
    totals = [device.total_bytes for device in devices(gpus)]
    known = [total for total in totals if total is not None]
    if not totals:
        say(words().fault("runs.queue.no_device", recipe=source))
        return False
    if need is None or len(known) < len(totals) or need <= max(known):
        return True
    say(words().fault("runs.queue.too_big", recipe=source, need=f"{need / GIB:.1f}", most=f"{max(known) / GIB:.1f}"))
    return False


def _print(found: list[Waiting], as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif not found:
        say(words().say("runs.queue.empty"))
    for one in [] if as_json else found:
        print(f"{one.position:>3}  {clean(one.id)}  {clean(one.label or '-', 40):<28}  {_why(one)}")


def _why(one: Waiting) -> str:
    kind, _, other = (one.reason or "new").partition(":")
    need = f"{one.need_gb:.1f}" if one.need_gb is not None else "?"
    return words().say(f"runs.queue.why.{kind}", run=clean(other), need=need)
