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

from advisor.errors import InputError, Refused
from advisor.recipe import Recipe, decode_recipe
from tuner_tui import crash
from tuner_tui.redact import mask, shield
from tuner_tui.runs.adjust import Adjustment, adjusted, adjustment_of, keep_length, shorten, shrink
from tuner_tui.runs.coach import CoachedWriter
from tuner_tui.runs.directory import Rehearse, RunDir
from tuner_tui.runs.events import EventKind, ExitReason
from tuner_tui.runs.supervisor import claim
from tuner_tui.training import peers, trackers
from tuner_tui.training.failure import Ending, ending_of
from tuner_tui.training.job import Job
from tuner_tui.training.spread import Silent, end_with_parent, leave, local_rank, local_world, rank, shared, world
from tuner_tui.training.survive import RanOut, TooBig, begin_again
from tuner_tui.training.threads import idle_threads, use_threads
from tuner_tui.words import language, words


def main(argv: list[str] | None = None) -> int:
    """`python -m tuner_tui.training RUN_DIR [--resume]`; the exit code is that of the exit event."""
    parser = argparse.ArgumentParser(prog="python -m tuner_tui.training")
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args(argv)
    os.umask(0o077)
    end_with_parent()
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
        if world() == 1:
            claim(run)
        ending = attempt(run, events, resume=args.resume)
        if ending is not None:
            events.emit(EventKind.EXIT, reason=ending.reason, code=ending.code, text=ending.text)
        if leads and world() > 1:
            peers.clear(run)
    mask(run.log_path)
    return ending.code if ending is not None else begin_again(run)


def attempt(run: RunDir, events: CoachedWriter | Silent, *, resume: bool) -> Ending | None:
    """One attempt at the run; every exception becomes an ending, its traceback goes to the log.

    None: memory ran out and there is a smaller way to make the same steps, to be begun in a fresh process.
    """
    lang = language()
    say = words(lang).say
    try:
        wish = info.rehearse if (info := run.info()) else Rehearse.FIRST
        if wish is Rehearse.SKIP:
            keep_length(run)
        recipe = adjusted(run, decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)))
        events.coach_by(recipe)
        recipe = shared(recipe)
        job = Job(run=run, recipe=recipe, events=events, words=words(lang), resume=resume)
        job.rank, job.world, job.leads, job.rehearse = rank(), world(), local_rank() == 0, wish
        job.trap_signals()
        job.phase("prepare")
        if (change := adjustment_of(run)) and change.agreed:
            job.warn("shortened", length=change.max_length)
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
        if isinstance(error, RanOut) and world() == 1 and (change := next_try(run, recipe, error)):
            tell_smaller(events, say, recipe, change, early=isinstance(error, TooBig))
            return None
        error = too_short(run, error)
        ending = ending_of(error, say, lang)
        if world() > 1:
            ending = among_peers(run, error, ending, say)
        if ending.unforeseen:
            crash.keep(error, "training", run.path)
        return ending
    finally:
        if world() > 1:
            leave()


def among_peers(run: RunDir, error: BaseException, ending: Ending, say: Callable[..., str]) -> Ending:
    """Who leads tells what failed first; the others leave word of their own failure."""
    if local_rank() == 0:
        return peers.first_cause(run, error, ending, say)
    peers.leave_word(run, ending)
    return ending


def next_try(run: RunDir, recipe: Recipe, error: RanOut) -> Adjustment | None:
    """What the next attempt is to change. Shorter sequences are tried in a rehearsal only, to name what would fit."""
    found = shrink(run, recipe)
    if found is None and isinstance(error, TooBig):
        return shorten(run, recipe, error.longest, agreed=False)
    return found


def too_short(run: RunDir, error: BaseException) -> BaseException:
    """TooBig in place of what a length that only the rehearsal tried has brought up: no row is left to learn from."""
    found = adjustment_of(run)
    if found is None or found.max_length is None or found.agreed:
        return error
    if isinstance(error, InputError) and not isinstance(error, Refused):
        error = TooBig(str(error))
    if isinstance(error, TooBig):
        keep_length(run)
    return error


def tell_smaller(
    events: CoachedWriter | Silent, say: Callable[..., str], recipe: Recipe, change: Adjustment, *, early: bool
) -> None:
    """Say that memory ran out, in the rehearsal (`early`) or in training, and what is tried next."""
    code = "rehearsed_smaller" if early else "ran_out"
    shorter = change.max_length is not None and change.max_length < recipe.train.max_length
    key = f"training.warn.{code}" + ("_shorter" if shorter else "_ckpt" if change.grad_ckpt else "")
    numbers = {name: getattr(change, name) for name in ("micro_batch", "grad_accum", "max_length")}
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
        if torch.cuda.device_count() < local_world():
            raise InputError("training.gpus", wanted=local_world(), found=torch.cuda.device_count())
        torch.cuda.set_device(local_rank())


if __name__ == "__main__":
    sys.exit(main())
