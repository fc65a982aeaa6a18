"""`tuner prepare PATH --out DIR`: mapped, repaired, freed of duplicates and leaks, split; the source stays as it is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.commands.inspect import mapping_of
from tuner_tui.inspect.prepare import ALWAYS, BY_WISH, MENDED_BY_WISH, Choice, Prepared, prepare
from tuner_tui.inspect.template import ENOUGH, missing, template
from tuner_tui.safe import clean
from tuner_tui.words import language, words

TEMPLATE_ROWS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    told = words().say
    parser.add_argument("path", nargs="?", help=told("prepare.help.path"))
    parser.add_argument("--out", required=True, metavar="DIR", help=told("prepare.help.out"))
    parser.add_argument("--map", action="append", default=[], metavar="FIELD=COLUMN", help=told("prepare.help.map"))
    parser.add_argument("--encoding", metavar="NAME", help=told("inspect.help.encoding"))
    codes = ", ".join(BY_WISH)
    parser.add_argument("--drop", default="", metavar="CODES", help=told("prepare.help.drop", codes=codes))
    kept = ", ".join(ALWAYS)
    parser.add_argument("--keep", default="", metavar="CODES", help=told("prepare.help.keep", codes=kept))
    gaps = ", ".join(MENDED_BY_WISH)
    parser.add_argument("--mend", default="", metavar="CODES", help=told("prepare.help.mend", codes=gaps))
    parser.add_argument("--test", metavar="PATH", help=told("prepare.help.test"))
    parser.add_argument("--split", default="0.1,0.1", metavar="VALIDATION,TEST", help=told("prepare.help.split"))
    parser.add_argument("--group", metavar="COLUMN", help=told("prepare.help.group"))
    parser.add_argument("--time", metavar="COLUMN", help=told("prepare.help.time"))
    parser.add_argument("--seed", type=int, default=42, help=told("prepare.help.seed"))
    parser.add_argument("--template", choices=sorted(ENOUGH), help=told("prepare.help.template"))
    parser.add_argument("--json", action="store_true", help=told("prepare.help.json"))


def run(args: argparse.Namespace) -> int:
    """Prepare, or write a template to fill."""
    if args.template:
        return write_template(args.template, Path(args.out).expanduser(), quiet=args.json)
    if args.path is None:
        raise InputError("prepare.no_path")
    made = prepare(args.path, args.out, choice_of(args))
    if args.json:
        print_json(made)
    for line in lines(made, words().say):
        say(line)
    return ExitCode.DONE


def choice_of(args: argparse.Namespace) -> Choice:
    """The arguments as a choice; InputError names the one that makes no sense."""
    try:
        validation, test = (float(share) for share in args.split.split(","))
    except ValueError:
        raise InputError("prepare.split", value=clean(args.split)) from None
    return Choice(
        mapping=mapping_of(args.map),
        drop=_codes(args.drop),
        keep=_codes(args.keep),
        mend=_codes(args.mend),
        test=None if args.test is None else Path(args.test).expanduser(),
        shares=(validation, test),
        group=args.group,
        time=args.time,
        seed=args.seed,
        encoding=args.encoding,
    )


def _codes(text: str) -> tuple[str, ...]:
    return tuple(code.strip() for code in text.split(",") if code.strip())


def lines(made: Prepared, told: Callable[..., str]) -> list[str]:
    """What was made, in words."""
    text = [told("prepare.kept", kept=made.kept, rows=made.rows, kind=made.kind)]
    text += [told("prepare.file", name=name, rows=file["rows"]) for name, file in made.files.items()]
    if made.dropped:
        text.append(told("prepare.dropped", counts=_counts(made.dropped, told)))
    if made.repaired:
        text.append(told("prepare.repaired", counts=_counts(made.repaired, told)))
    lacking = missing(made.kind, made.kept)
    if lacking:
        source = told("prepare.source.guide" if made.kind == "instruction_pairs" else "prepare.source.ours")
        text.append(told("prepare.missing", missing=lacking, enough=ENOUGH[made.kind], source=source, kind=made.kind))
    return [*text, told("prepare.written", out=clean(made.out), fingerprint=made.fingerprint[:12])]


def _counts(counts: dict[str, int], told: Callable[..., str]) -> str:
    """Each code with its number, and in words where there are some: codes are what --drop and --keep take."""
    return ", ".join(f"{count} {_named(code, told)}" for code, count in counts.items())


def _named(code: str, told: Callable[..., str]) -> str:
    try:
        return f"{told(f'prepare.code.{code}')} ({code})"
    except KeyError:
        return code


def write_template(kind: str, path: Path, *, quiet: bool) -> int:
    """A file with empty rows of a kind; InputError when there is one already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(template(kind, TEMPLATE_ROWS, language()))
    except OSError as error:
        raise InputError("prepare.template_out", path=clean(str(path)), detail=error.strerror or str(error)) from None
    if quiet:
        print_json({"template": str(path.absolute()), "kind": kind, "rows": TEMPLATE_ROWS})
    say(words().say("prepare.template", path=clean(str(path)), kind=kind, rows=TEMPLATE_ROWS))
    return ExitCode.DONE
