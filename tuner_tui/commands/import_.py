"""`tuner import FILE --out recipe.yaml`: another tool's configuration becomes a recipe; what was left out is said."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from advisor.errors import InputError
from advisor.recipe import encode_recipe
from tuner_tui import outfile
from tuner_tui.commands import ExitCode, print_json, say
from tuner_tui.incoming.read import TOOLS, Read, read
from tuner_tui.safe import clean
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, whose it is, and where the recipe goes."""
    told = words().say
    parser.add_argument("file", help=told("incoming.help.file", tools=", ".join(TOOLS)))
    parser.add_argument("--from", dest="tool", choices=sorted(TOOLS), help=told("incoming.help.from"))
    parser.add_argument("--out", metavar="FILE", help=told("incoming.help.out"))
    parser.add_argument("--json", action="store_true", help=told("incoming.help.json"))


def run(args: argparse.Namespace) -> int:
    """Read, write, and say what found no place in the recipe."""
    out = Path(args.out).expanduser() if args.out else None
    if out is not None and out.exists():
        raise InputError("export.exists", path=out)
    found = read(Path(args.file).expanduser(), args.tool)
    text = encode_recipe(found.recipe)
    if out is not None:
        outfile.write(out, text.encode(), lambda before: False)
    if args.json:
        content = {"tool": found.tool, "recipe": msgspec.to_builtins(found.recipe), "left": found.left}
        print_json({**content, "defaults": found.defaults})
    elif out is None:
        print(text, end="")
    tell(found)
    return ExitCode.DONE


def tell(found: Read) -> None:
    """Whose file it was, what was left out of the recipe, and what the file leaves open."""
    told = words().say
    say(told("incoming.read", tool=found.tool, label=found.recipe.label))
    for key, value in found.left.items():
        say(told("incoming.left", key=clean(key, 80), value=clean(value, 120)))
    if found.defaults:
        values = ", ".join(f"{key} = {value}" for key, value in found.defaults.items())
        say(told("incoming.defaults", tool=found.tool, values=values))
    for each in found.upgrades:
        say(each.text(words()))
