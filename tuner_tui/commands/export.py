"""`tuner export RUN|RECIPE --to TARGET --out DIR`: the work happens in a child process, its exit code is ours."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from tuner_tui.export.targets import TARGETS, find_target
from tuner_tui.runs.spawn import child_environment
from tuner_tui.words import language, words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to export, to what, and where."""
    told = words().say
    parser.add_argument("source", metavar="RUN|RECIPE", help=told("export.help.source"))
    parser.add_argument(
        "--to", required=True, metavar="TARGET", help=told("export.help.to", targets=", ".join(TARGETS))
    )
    parser.add_argument("--out", required=True, metavar="DIR", help=told("export.help.out"))
    parser.add_argument("--overwrite", action="store_true", help=told("export.help.overwrite"))
    parser.add_argument("--json", action="store_true", help=told("export.help.json"))


def run(args: argparse.Namespace) -> int:
    """Start the child in this folder, with this terminal, and return its exit code."""
    find_target(args.to)
    child = subprocess.Popen(child_command(args), stdin=subprocess.DEVNULL, env=environment())
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            # The terminal sent it to the child as well, which cleans up and ends with 130.
            continue


def child_command(args: argparse.Namespace) -> list[str]:
    """How the export child is called."""
    flags = ["--overwrite"] * args.overwrite + ["--json"] * args.json
    module = [sys.executable, "-P", "-m", "tuner_tui.export"]
    return [*module, f"--to={args.to}", f"--out={args.out}", *flags, "--", args.source]


def environment() -> dict[str, str]:
    """The training child's environment, and the language that was asked for."""
    return {**child_environment(os.environ), "TUNER_LANG": language()}
