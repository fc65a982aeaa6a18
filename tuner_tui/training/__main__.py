"""The child process: whatever happens, its last event says how it ended and its exit code agrees."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from advisor.errors import InputError
from advisor.recipe import Recipe, decode_recipe
from tuner_tui import crash
from tuner_tui.redact import mask, shield
from tuner_tui.runs.coach import CoachedWriter
from tuner_tui.runs.directory import Rehearse, RunDir
from tuner_tui.runs.events import EventKind, ExitReason
from tuner_tui.training import trackers
from tuner_tui.training.failure import Ending, ending_of
from tuner_tui.training.job import Job
from tuner_tui.training.spread import Silent, leave, local_rank, local_world, rank, shared, world
from tuner_tui.training.survive import Adjustment, RanOut, TooBig, adjusted, begin_again, shrink
from tuner_tui.training.threads import idle_threads, use_threads
from tuner_tui.words import language, words


def main(argv: list[str] | None = None) -> int:
    """`python -m tuner_tui.training RUN_DIR [--resume]`; the exit code is that of the exit event."""
    parser = argparse.ArgumentParser(prog="python -m tuner_tui.training")
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args(argv)
    os.umask(0o077)
    shield()
    run = RunDir(args.run_dir.resolve())
    if not run.recipe_path.is_file():
        print(InputError("training.no_recipe", path=run.recipe_path).text(language()), file=sys.stderr)
        return 2
    try:
        leads = local_rank() == 0
        writer = CoachedWriter(run.events_path, words(language())) if leads else Silent()
    except InputError as error:
        print(error.text(language()), file=sys.stderr)
        return 2
    with writer as events:
        ending = attempt(run, events, resume=args.resume)
        if ending is not None:
            events.emit(EventKind.EXIT, reason=ending.reason, code=ending.code, text=ending.text)
    mask(run.log_path)
    return ending.code if ending is not None else begin_again(run)


def attempt(run: RunDir, events: CoachedWriter | Silent, *, resume: bool) -> Ending | None:
    """One attempt at the run; every exception becomes an ending, its traceback goes to the log.

    None: memory ran out and there is a smaller way to make the same steps, to be begun in a fresh process.
    """
    lang = language()
    say = words(lang).say
    try:
        recipe = adjusted(run, decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)))
        events.coach_by(recipe)
        recipe = shared(recipe)
        job = Job(run=run, recipe=recipe, events=events, words=words(lang), resume=resume)
        job.rank, job.world = rank(), world()
        job.rehearse = info.rehearse if (info := run.info()) else Rehearse.FIRST
        job.trap_signals()
        job.phase("prepare")
        prepare(job, recipe)
        from tuner_tui.training.conduct import conduct

        if conduct(job):
            return Ending(ExitReason.STOPPED, 130, say("training.exit.stopped"))
        return Ending(ExitReason.DONE, 0, say("training.exit.done"))
    except BaseException as error:
        # A checkpoint that was being written is no use; on a full disk its space is, and the log may have none.
        shutil.rmtree(run.checkpoints / ".partial", ignore_errors=True)
        with contextlib.suppress(OSError):
            traceback.print_exc()
        if isinstance(error, RanOut) and world() == 1 and (change := shrink(run, recipe)):
            tell_smaller(events, say, recipe, change, early=isinstance(error, TooBig))
            return None
        ending = ending_of(error, say, lang)
        if ending.unforeseen:
            crash.keep(error, "training", run.path)
        return ending
    finally:
        if world() > 1:
            leave()


def tell_smaller(
    events: CoachedWriter | Silent, say: Callable[..., str], recipe: Recipe, change: Adjustment, *, early: bool
) -> None:
    """Say that memory ran out, in the rehearsal (`early`) or in training, and what is tried next."""
    code = "rehearsed_smaller" if early else "ran_out"
    key = f"training.warn.{code}_ckpt" if change.grad_ckpt else f"training.warn.{code}"
    numbers = {name: getattr(change, name) for name in ("micro_batch", "grad_accum")}
    events.emit(EventKind.WARN, code=code, text=say(key, before=recipe.train.micro_batch, **numbers))


def prepare(job: Job, recipe: Recipe) -> None:
    """Threads and offline switches, before the heavy libraries read them once."""
    from tuner_tui.training.checkpoint import threads_of
    from tuner_tui.training.model import is_local

    job.run.checkpoints.mkdir(exist_ok=True)
    before = threads_of(job.run.checkpoints) if job.resume else None
    job.threads = before or max(idle_threads(recipe.train.threads) // local_world(), 1)
    use_threads(job.threads)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if is_local(recipe.model):
        os.environ["HF_HUB_OFFLINE"] = "1"
    trackers.settle(recipe, job.run.path)
    import torch

    torch.set_num_threads(job.threads)
    job.device = "cuda" if torch.cuda.is_available() else "cpu"
    if job.device == "cuda" and job.world > 1:
        torch.cuda.set_device(local_rank())


if __name__ == "__main__":
    sys.exit(main())
