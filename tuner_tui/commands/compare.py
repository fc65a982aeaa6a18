"""`tuner compare RECIPE|RUN`: every lane on the same held-out questions; the table confirms or overturns the advice."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from advisor.errors import InputError
from advisor.facts import Facts
from advisor.recipe import JudgeSpec, Recipe, decode_recipe, encode_recipe
from tuner_tui import bakeoff, outfile
from tuner_tui.commands import ExitCode, print_json, read_text, say
from tuner_tui.compared import room_here, table
from tuner_tui.contract import COMPARED, promised
from tuner_tui.words import words

MOST_PARALLEL = 64
RESULT, FACTS = outfile.holds("lanes"), outfile.holds("history")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to compare, on what, and how it is told."""
    told = words().say
    parser.add_argument("target", help=told("compare.help.target"))
    parser.add_argument("--lanes", metavar="NAMES", help=told("compare.help.lanes"))
    parser.add_argument("--goal", type=float, default=0.9, help=told("compare.help.goal"))
    parser.add_argument("--docs", metavar="PATH", help=told("compare.help.docs"))
    parser.add_argument("--eval", metavar="FILE", help=told("compare.help.eval"))
    parser.add_argument("--instruction", metavar="TEXT", help=told("compare.help.instruction"))
    parser.add_argument("--judge", metavar="MODEL", help=told("compare.help.judge"))
    parser.add_argument("--judge-endpoint", metavar="URL", help=told("compare.help.judge_endpoint"))
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help=told("compare.help.set"))
    parser.add_argument("--out", metavar="FILE", help=told("compare.help.out"))
    parser.add_argument("--html", metavar="FILE", help=told("compare.help.html"))
    parser.add_argument("--facts-out", metavar="FILE", help=told("compare.help.facts_out"))
    parser.add_argument("--endpoint", metavar="URL", help=told("compare.help.endpoint"))
    parser.add_argument("--endpoint-model", metavar="NAME", help=told("compare.help.endpoint_model"))
    parser.add_argument("--key-env", metavar="NAME", help=told("compare.help.key_env"))
    parser.add_argument("--price", metavar="IN,OUT", help=told("compare.help.price"))
    parser.add_argument("--cap", type=float, metavar="USD", help=told("compare.help.cap"))
    parser.add_argument("--parallel", type=int, metavar="N", default=2, help=told("compare.help.parallel"))
    parser.add_argument("--timeout", type=float, metavar="S", default=60.0, help=told("compare.help.timeout"))
    parser.add_argument("--details", action="store_true", help=told("cli.help.details"))
    parser.add_argument("--json", action="store_true", help=told("compare.help.json"))


def run(args: argparse.Namespace) -> int:
    """Train what must be trained, compare, tell."""
    told = words()
    out, html, facts_out = (Path(name).expanduser() if name else None for name in (args.out, args.html, args.facts_out))
    for path, ours in ((out, RESULT), (html, outfile.is_page), (facts_out, FACTS)):
        if path is not None:
            outfile.check(path, ours)
    try:
        remote = remote_of(args)
        recipe, tuned = subject(args)
        lanes = bakeoff.lanes_for(recipe, tuned is not None, args.lanes, remote=remote is not None)
        document = bakeoff.compare(
            recipe,
            lanes,
            tuned=tuned,
            goal=args.goal,
            told=told,
            tell=say,
            advice=bakeoff.advised(recipe),
            html=html,
            remote=remote,
        )
    except bakeoff.Failed as failure:
        say(str(failure))
        return failure.code
    if args.json:
        print_json(promised(document, COMPARED, details=args.details))
    else:
        print(table(document, told, room_here()))
    if out is not None:
        outfile.write(out, msgspec.json.format(msgspec.json.encode(document)) + b"\n", RESULT)
    if facts_out is not None:
        keep_facts(recipe, document, facts_out)
    return ExitCode.FAILED if document["failed"] else ExitCode.DONE


def keep_facts(recipe: Recipe, document: dict[str, Any], path: Path) -> None:
    """The recipe's facts with the measured history, for `tuner advise --facts`."""
    facts = bakeoff.with_history(recipe.facts or Facts(), document["history"])
    outfile.write(path, msgspec.json.format(msgspec.json.encode(facts)) + b"\n", FACTS)


def remote_of(args: argparse.Namespace) -> dict[str, Any] | None:
    """The endpoint as asked for; InputError when it is named by half, or a cap has no price to count with."""
    if not args.endpoint and not args.endpoint_model:
        return None
    if not args.endpoint or not args.endpoint_model:
        raise InputError("compare.endpoint_half")
    price = None
    if args.price:
        try:
            asked, answered = (float(part) for part in args.price.split(","))
        except ValueError:
            raise InputError("compare.price", value=args.price) from None
        if not (0 <= asked < math.inf and 0 <= answered < math.inf):
            raise InputError("compare.price", value=args.price)
        price = (asked, answered)
    if args.cap is not None and price is None:
        raise InputError("compare.cap")
    if not 1 <= args.parallel <= MOST_PARALLEL:
        raise InputError("compare.parallel", value=args.parallel, most=MOST_PARALLEL)
    if not 0 < args.timeout < math.inf:
        raise InputError("compare.timeout", value=args.timeout)
    return {
        "url": args.endpoint,
        "model": args.endpoint_model,
        "key_env": args.key_env,
        "price": price,
        "cap": args.cap,
        "parallel": args.parallel,
        "timeout_s": args.timeout,
    }


def subject(args: argparse.Namespace) -> tuple[Recipe, str | None]:
    """The recipe, with the options applied, and the folder of the tuned weights."""
    from tuner_tui.runs.directory import find_run
    from tuner_tui.runs.preflight import prepare

    path = Path(args.target).expanduser()
    if not path.is_file():
        run = find_run(args.target)
        return _changed(bakeoff.recipe_of(run), args), bakeoff.result_of(run)
    recipe = decode_recipe(*read_text(args.target))
    wanted = bakeoff.lanes_for(recipe, recipe.parsed_label.tunes, args.lanes)
    if not recipe.parsed_label.tunes or not {"ft", "rag_ft"} & set(wanted):
        return _changed(recipe, args), None
    ready = prepare(recipe, str(path), path.absolute().parent)
    return _changed(bakeoff.judged(ready), args), bakeoff.result_of(bakeoff.run_recipe(ready, words(), say))


def _changed(recipe: Recipe, args: argparse.Namespace) -> Recipe:
    """Documents, held-out questions, instruction and single keys as given on the command line."""
    given = {
        name: str(Path(value).expanduser().absolute()) for name in ("docs", "eval") if (value := getattr(args, name))
    }
    recipe = structs.replace(recipe, data=structs.replace(recipe.data, **given))
    if args.instruction:
        told = structs.replace(recipe.prompting, instruction=instruction_of(args.instruction))
        recipe = structs.replace(recipe, prompting=told)
    if args.judge:
        judge = structs.replace(recipe.judge or JudgeSpec(model=args.judge), model=args.judge)
        judge = structs.replace(judge, endpoint=args.judge_endpoint, key_env=args.key_env)
        recipe = structs.replace(recipe, judge=judge)
    return decode_recipe(encode_recipe(recipe), args.target, args.set) if args.set else recipe


def instruction_of(given: str) -> str:
    """The text itself, or what the file after an @ holds; InputError when it cannot be read or says nothing."""
    text = read_text(given[1:])[0] if given.startswith("@") else given
    text = text.decode("utf-8-sig", errors="replace") if isinstance(text, bytes) else text
    if not text.strip():
        raise InputError("compare.instruction", value=given)
    return text.strip()
