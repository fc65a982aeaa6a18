"""An objective's file runs alone: `python -m tuner_tui.training.OBJECTIVE RECIPE`, in this process, as any other run.

The run is recorded like every other, so that it can be watched, stopped and gone on with: given a run's folder and
`--resume`, it goes on there.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import Recipe, decode_recipe
from tuner_tui.redact import shield
from tuner_tui.runs.directory import Rehearse, RunDir, create_run, find_run, locked, refuse_foreign
from tuner_tui.runs.identity import identify
from tuner_tui.runs.outcome import outcome_of, tell
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.progress import Progress
from tuner_tui.runs.state import state_of
from tuner_tui.runs.supervisor import recorded
from tuner_tui.runs.watch import RunWatch
from tuner_tui.safe import clean
from tuner_tui.words import language, words

TOLD_EVERY_S = 0.5


def alone(objective: Objective, argv: Sequence[str] | None = None) -> NoReturn:
    """Train by the recipe and leave with its exit code: 0 only for a checked success, 2 for bad input."""
    parser = argparse.ArgumentParser(prog=f"python -m tuner_tui.training.{objective}")
    parser.add_argument("recipe", help=words().say("training.help.recipe"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=words().say("runs.help.set"))
    parser.add_argument("--no-rehearsal", action="store_true", help=words().say("runs.help.rehearse.skip"))
    parser.add_argument("--resume", action="store_true", help=words().say("training.help.resume"))
    args = parser.parse_args(argv)
    shield()
    try:
        run = find_run(args.recipe) if args.resume else _created(args, objective)
        record(run)
    except InputError as error:
        _say(error.text(language()))
        sys.exit(2)
    sys.exit(_train(run, resume=args.resume))


def _created(args: argparse.Namespace, objective: Objective) -> RunDir:
    path = Path(args.recipe).expanduser()
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError("file.unreadable", path=path, detail=error.strerror or str(error)) from None
    recipe = decode_recipe(text, str(path), args.set)
    refuse_other(recipe, objective, str(path))
    rehearse = Rehearse.SKIP if args.no_rehearsal else Rehearse.FIRST
    return create_run(prepare(recipe, str(path), path.absolute().parent), rehearse=rehearse)


def refuse_other(recipe: Recipe, objective: Objective, source: str) -> None:
    """InputError when the recipe's label is not one stage of this objective."""
    stages = recipe.parsed_label.stages
    if len(stages) != 1 or stages[0][0] is not objective:
        raise InputError("training.other_objective", source=source, label=recipe.label, objective=objective)


def record(run: RunDir) -> None:
    """Write down that this very process is the run's."""
    refuse_foreign(run)
    with locked(run):
        info, who = run.info(), identify(os.getpid())
        if info is None or who is None:
            raise InputError("runs.no_record", path=str(run.info_path))
        if state_of(run).live and info.pid != who.pid:
            raise InputError("runs.already_running", run=run.id, pid=info.pid)
        run.stop_path.unlink(missing_ok=True)
        begun = run.events_path.stat().st_size if run.events_path.exists() else 0
        run.write_info(recorded(info, who.pid, sys.orig_argv, begun))


def _train(run: RunDir, *, resume: bool) -> int:
    from tuner_tui.training.__main__ import main

    with told(run):
        code = main([str(run.path), *(["--resume"] if resume else [])])
    outcome = outcome_of(run)
    for line in tell(run, outcome, words()):
        _say(line)
    return code or (0 if outcome.success else 1)


@contextmanager
def told(run: RunDir) -> Iterator[None]:
    """Tell the run's progress on stderr, as `tuner run` does, while the block trains."""
    over = threading.Event()
    teller = threading.Thread(target=_follow, args=(run, over), name="teller", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join(timeout=10)


def _follow(run: RunDir, over: threading.Event) -> None:
    watch, progress = RunWatch(run), Progress(words())
    try:
        while True:
            last = over.is_set()
            while events := watch.poll():
                for line in progress.lines(events, watch.view):
                    _say(line)
            if last:
                return
            over.wait(TOLD_EVERY_S)
    finally:
        watch.close()


def _say(text: str) -> None:
    print(clean(text, 1 << 20, lines=True), file=sys.stderr, flush=True)
