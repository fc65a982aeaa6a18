"""`tuner inspect PATH`: what a dataset or a folder of documents holds, and its problems."""

from __future__ import annotations

import argparse
import os
import sys

import msgspec

from advisor.errors import InputError
from tuner_tui.commands import ExitCode, print_json
from tuner_tui.inspect import Inspection, inspect
from tuner_tui.inspect.trained import runs_of, trained_view
from tuner_tui.safe import clean
from tuner_tui.words import words

SHOWN = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    told = words().say
    parser.add_argument("path", help=told("inspect.help.path"))
    parser.add_argument("--json", action="store_true", help=told("inspect.help.json"))
    parser.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", help=told("inspect.help.map"))
    parser.add_argument("--encoding", metavar="NAME", help=told("inspect.help.encoding"))
    parser.add_argument("--limit", type=int, metavar="ROWS", help=told("inspect.help.limit"))
    parser.add_argument("--test", metavar="PATH", help=told("inspect.help.test"))
    parser.add_argument("--model", metavar="DIR", help=told("inspect.help.model"))
    parser.add_argument("--max-length", type=int, metavar="TOKENS", help=told("inspect.help.max_length"))
    parser.add_argument("--full", action="store_true", help=told("inspect.help.full"))
    parser.add_argument("--show", type=int, metavar="ROW", help=told("inspect.help.show"))


def run(args: argparse.Namespace) -> int:
    """Inspect and print; 0 also when the data has problems, for they are the answer."""
    if args.show is not None:
        return show(args)
    found = inspect(
        args.path,
        mapping=mapping_of(args.map),
        limit=args.limit,
        test=args.test,
        model=args.model,
        max_length=args.max_length,
        full=args.full,
        encoding=args.encoding,
    )
    if args.json:
        print_json(found.to_json())
    else:
        print("\n".join(lines(found, args.path)))
    return ExitCode.DONE


def show(args: argparse.Namespace) -> int:
    """One row as the model reads it, in runs of trained and masked text."""
    if args.model is None:
        raise InputError("inspect.show_model")
    pieces = trained_view(args.path, args.show, args.model, mapping_of(args.map), args.encoding)
    if args.json:
        print_json([msgspec.structs.replace(piece, text=clean(piece.text, SHOWN, lines=True)) for piece in pieces])
        return ExitCode.DONE
    told = words().say
    for trained, text in runs_of(pieces):
        mark = told("inspect.text.trained" if trained else "inspect.text.masked")
        print("\n".join(coloured(f"{'#' if trained else '.'} {mark} | {line}", trained) for line in text.split("\n")))
    print(told("inspect.text.counts", trained=sum(piece.trained for piece in pieces), total=len(pieces)))
    return ExitCode.DONE


def coloured(line: str, trained: bool) -> str:
    """Trained text green, the rest dim, on a terminal that wants colours; the mark before it says the same."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return line if plain else f"\x1b[{32 if trained else 2}m{line}\x1b[0m"


def mapping_of(pairs: list[str]) -> dict[str, str]:
    """`field=column` pairs as a mapping; InputError names the pair that is none."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not (field.strip() and equals and column.strip()):
            raise InputError("inspect.map", pair=clean(pair))
        mapping[field.strip()] = column.strip()
    return mapping


def lines(found: Inspection, path: str) -> list[str]:
    """The inspection in words, safe to print."""
    say = words().say
    text = [
        say("inspect.text.head", path=clean(path), format=found.format, rows=found.rows, usable=found.usable_rows),
        say("inspect.text.kind", kind=found.kind) if found.kind else say("inspect.text.kind_none"),
        say("inspect.text.duplicates", count=found.duplicates),
    ]
    if found.tokens:
        text.append(say("inspect.text.tokens", **_numbers(found.tokens)))
    text.append(say("inspect.text.fields"))
    for name, field in found.fields.items():
        text.append(say("inspect.text.field", name=clean(name, 80), types=", ".join(field.types), filled=field.filled))
        if field.chars:
            text.append(say("inspect.text.chars", **_numbers(field.chars)))
    for problem in found.problems:
        text.append(f"[{say(f'inspect.text.{problem.severity}')}] {problem.code}: {problem.text}")
    return text if found.problems else [*text, say("inspect.text.sound")]


def _numbers(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in ("mean", "p50", "p95", "max")}
