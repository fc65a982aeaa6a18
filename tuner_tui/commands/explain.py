"""`tuner explain CODE`: what stands in brackets behind an error, in full; without a code, all of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from difflib import get_close_matches

from rich.cells import cell_len

from advisor.errors import InputError
from advisor.words import Words
from tuner_tui.commands import ExitCode, print_json
from tuner_tui.explained import Explained, codes, explained
from tuner_tui.words import words

WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The code."""
    parser.add_argument("code", nargs="?", metavar="CODE", help=words().say("explain.help.code"))
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Print one code in full or all in a line each; 2 for an unknown code."""
    told = words()
    chosen = (
        [_find(args.code, told)] if args.code else [found for code in codes(told) if (found := explained(code, told))]
    )
    if args.json:
        print_json(chosen[0] if args.code else chosen)
    elif args.code:
        print("\n".join(_page(chosen[0], told)))
    else:
        print("\n".join(f"{each.code:<32} {each.says or each.why}" for each in chosen))
    return ExitCode.DONE


def _find(code: str, told: Words) -> Explained:
    found = explained(code, told)
    if found is None:
        known = list(codes(told))
        near = get_close_matches(code.lower(), known, n=3, cutoff=0.4) or known[:3]
        raise InputError("explain.unknown", given=code, near=", ".join(near))
    return found


def _page(found: Explained, told: Words) -> list[str]:
    parts = (("says", found.says), ("why", found.why), ("mend", found.do))
    lines = [found.code]
    for name, text in parts:
        if text:
            lines += ["", f"{told.say(f'explain.{name}')}:", *wrapped(text)]
    return lines


def wrapped(text: str) -> Iterator[str]:
    """Indented lines of at most WIDTH cells, broken at spaces; a Hangul letter takes two cells."""
    line = ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) > WIDTH:
            yield f"  {line}"
            line = ""
        line = f"{line} {word}".lstrip()
    if line:
        yield f"  {line}"
