"""`tuner resume RUN`: the same run goes on from its last good checkpoint."""

from __future__ import annotations

import argparse

from tuner_tui.commands import say
from tuner_tui.commands.run import add_following, add_rehearsing, finish, leave
from tuner_tui.runs.directory import find_run
from tuner_tui.runs.foreground import counted_interrupts, follow
from tuner_tui.runs.supervisor import resume
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run, and how to follow it."""
    parser.add_argument("run", help=words().say("runs.help.run"))
    parser.add_argument("--shorter", action="store_true", help=words().say("runs.help.shorter"))
    add_rehearsing(parser)
    add_following(parser)


def run(args: argparse.Namespace) -> int:
    """Launch again and follow."""
    made = find_run(args.run)
    with counted_interrupts() as interrupts:
        resume(made, rehearse=args.rehearse, shorter=args.shorter)
        if args.detach:
            return leave(made, args.json)
        say(words().say("runs.resumed", run=made.id, path=made.path))
        follow(made, interrupts, words(), say)
        return finish(made, interrupted=interrupts.count > 0, quiet=args.json)
