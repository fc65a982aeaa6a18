"""`tuner chat RUN`: base and tuned model side by side, with and without retrieval; each column its own conversation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import structs

from advisor.errors import InputError
from advisor.words import Words
from tuner_tui import bakeoff
from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.runs.directory import find_run
from tuner_tui.runs.state import state_of
from tuner_tui.safe import clean
from tuner_tui.talking import Talking
from tuner_tui.words import words

NEW, LEAVE = "/new", ("/quit", "/exit")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, its documents, and questions where nobody types."""
    told = words().say
    parser.add_argument("run", help=told("runs.help.run"))
    parser.add_argument("--docs", metavar="PATH", help=told("compare.help.docs"))
    parser.add_argument("--ask", metavar="TEXT", action="append", help=told("chat.help.ask"))
    parser.add_argument("--json", action="store_true", help=told("chat.help.json"))


def run(args: argparse.Namespace) -> int:
    """Ask every column, question by question, until there are no more."""
    told, found = words(), find_run(args.run)
    recipe, tuned = bakeoff.recipe_of(found), bakeoff.result_of(found)
    if tuned is None:
        raise InputError("compare.unfinished", run=found.id, state=state_of(found))
    if args.docs:
        path = str(Path(args.docs).expanduser().absolute())
        recipe = structs.replace(recipe, data=structs.replace(recipe.data, docs=path))
    try:
        with Talking(recipe, tuned) as talking:
            for text in talking.skipped:
                say(told.say("index.skipped", text=text))
            if not args.json:
                say(told.say("chat.ready", run=found.id))
            return converse(talking, questions(args.ask, told), told, as_json=args.json)
    except bakeoff.Failed as failure:
        say(str(failure))
        return failure.code


def converse(talking: Talking, asked: Iterator[str], told: Words, *, as_json: bool) -> int:
    """All questions; 1 when one of them could not be answered."""
    code: int = ExitCode.DONE
    for question in asked:
        if question == NEW:
            talking.forget()
            continue
        turn = talking.ask(question)
        if turn.get("error"):
            say(turn["error"])
            code = ExitCode.FAILED
        elif as_json:
            print_json(turn)
        else:
            show(turn, told)
    return code


def questions(given: list[str] | None, told: Words) -> Iterator[str]:
    """Those of the command line, else what is typed or piped in, line by line."""
    if given:
        yield from given
        return
    typed = sys.stdin.isatty()
    while True:
        if typed:
            print(told.say("chat.you"), end=" ", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() in LEAVE:
            return
        if line.strip():
            yield line.strip()


def show(turn: dict[str, Any], told: Words) -> None:
    """Two columns, base and tuned; a second row for the answers with documents, then where these came from."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    answers = turn["answers"]
    table = Table(show_lines=True, expand=True)
    table.add_column("")
    for name in ("base", "tuned"):
        table.add_column(told.say(f"chat.{name}"), ratio=1)
    for suffix, row in (("", "chat.plain"), ("_docs", "chat.docs")):
        if f"base{suffix}" in answers:
            cells = [_cell(turn, f"{name}{suffix}", told) for name in ("base", "tuned")]
            table.add_row(Text(told.say(row)), *cells)
    Console(highlight=False).print(table)
    for number, passage in enumerate(turn["passages"], 1):
        print(f"[{number}] {clean(passage['cited'], 200)}: {clean(passage['text'], 160)}")


def _cell(turn: dict[str, Any], column: str, told: Words) -> Any:
    """An answer, and below it the passage that it rests on."""
    from rich.text import Text

    said = clean(turn["answers"].get(column, "—"), lines=True)
    if column not in turn["cites"]:
        return Text(said)
    cited = turn["cites"][column]
    rests = told.say("chat.rests", cited=clean(cited, 200)) if cited else told.say("chat.rests_on_none")
    return Text.assemble(said, "\n", (rests, "dim"))
