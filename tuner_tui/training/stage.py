"""One stage: the held-out baseline comes before the first step, and the claim is checked after the last."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import msgspec
from msgspec import structs

from advisor.methods import Objective
from tuner_tui.evaluation.example import Example, for_model
from tuner_tui.evaluation.grading import grader_of
from tuner_tui.evaluation.measure import Measured, measure
from tuner_tui.runs.directory import write_atomic
from tuner_tui.runs.events import EventKind
from tuner_tui.training import checkpoint, data, model, result, spread
from tuner_tui.training.best import take_best
from tuner_tui.training.callback import Reporter, Wrapped, weights_finite
from tuner_tui.training.earning import tell_troubles, try_reward
from tuner_tui.training.even import fill_up
from tuner_tui.training.failure import out_of_memory
from tuner_tui.training.gauge import Gauge
from tuner_tui.training.job import Diverged, Job
from tuner_tui.training.masks import check_boundaries, check_masks
from tuner_tui.training.methods import method_of, work
from tuner_tui.training.monitor import Monitor
from tuner_tui.training.origin import origin
from tuner_tui.training.raft import make_room, raft, tell_unsaid
from tuner_tui.training.rehearse import before_first_step, rehearse
from tuner_tui.training.report import Outcome
from tuner_tui.training.samples import Sampler, emit
from tuner_tui.training.shards import shard
from tuner_tui.training.speed import settle
from tuner_tui.training.survive import RanOut, Updates, salvage


class Ready(NamedTuple):
    """A stage before its first step. `rows` is what its training rows count as when steps are counted."""

    split: data.Split
    tokenizer: Any
    trainer: Any
    held_out: list[Example]
    rows: int


def get_ready(job: Job, gauge: Gauge) -> Ready:
    """Read the data and load the model of the job's only stage; the gauge marks it as `load`."""
    from transformers import set_seed

    objective = method_of(job)
    model.check_model(job.recipe.model)
    split = data.load(job.recipe, objective.read, job.say)
    tell_problems(job, split)
    job.phase("load")
    tokenizer = model.load_tokenizer(job.recipe.model)
    if hasattr(objective, "teach"):
        split = objective.teach(job, split)
    bare, held_out = for_model(tokenizer, split.train), for_model(tokenizer, split.held_out)
    train, held_out = raft(job.recipe, tokenizer, bare), raft(job.recipe, tokenizer, held_out)
    tell_unsaid(job, bare, train)
    job.rows = [example.row for example in train]
    try_reward(job, train)
    if hasattr(objective, "look"):
        objective.look(job, train, held_out)
    set_seed(job.recipe.seed)  # what an adapter begins as is drawn before the trainer sets its own
    tuned, added = model.begin(job.recipe, job.device)
    make_room(job, tuned, tokenizer, train)
    trainer = objective.trainer(job, tuned, tokenizer, train, held_out, added)
    model.settle_adapter(job.precision, trainer.model)
    settle(job, trainer)
    check_masks(job, trainer, tokenizer)
    check_boundaries(job, tokenizer, train)
    rows = work(objective, job, len(trainer.train_dataset))
    fill_up(job, trainer)
    gauge.mark("load")
    return Ready(split, tokenizer, trainer, held_out, rows)


def run_stage(job: Job) -> Outcome | None:
    """Do the only stage of the job's recipe; None when it was asked to stop. Raises what goes wrong."""
    with Monitor(job.events) as monitor:
        gauge = Gauge(job.device)
        split, tokenizer, trainer, held_out, rows = get_ready(job, gauge)
        made_from = origin(job, split.sha256)
        kept_rows = for_model(tokenizer, split.replayed)
        tell_start(job, trainer.model, rows)
        before_first_step(job, lambda: rehearse(job, trainer, tokenizer, held_out, gauge))
        before = baseline(job, trainer.model, tokenizer, held_out, "baseline.json")
        kept = baseline(job, trainer.model, tokenizer, kept_rows, "replay.json") if kept_rows else None
        shard(job, trainer)
        started = time.monotonic()
        reporter = train_steps(job, trainer, tokenizer, held_out, before, made_from)
        if reporter.stopped:
            return None
        seconds = time.monotonic() - started
        tokens = spread.summed(job, trainer.state.num_input_tokens_seen)
        best = take_best(job, trainer)
        job.phase("evaluate")
        after = tell_score(job, "after", measured(job, trainer.model, tokenizer, held_out))
        kept_after = measured(job, trainer.model, tokenizer, kept_rows) if kept_rows else None
        emit(job, tokenizer, *samples_of(job, held_out, after, before), trainer.state.global_step)
        job.phase("save")
        result.save(job, trainer.model, tokenizer)
    return Outcome(
        before=before,
        after=after,
        held_out=held_out,
        steps=trainer.state.global_step,
        planned=trainer.state.global_step if reporter.levelled else trainer.state.max_steps,
        best=best,
        tokens=tokens,
        seconds=seconds,
        finite=all_finite(trainer),
        peak_bytes=monitor.peak_bytes,
        peak_source=monitor.source,
        kept_before=kept,
        kept_after=kept_after,
    )


def tell_problems(job: Job, split: data.Split) -> None:
    """Say which rows are not used, and why."""
    if split.unusable:
        number, problem = split.unusable[0]
        why = job.say(f"training.row.{problem.code}", **problem.params)
        job.warn("rows_unusable", count=len(split.unusable), row=number, why=why)
    if split.leaked:
        job.warn("rows_leaked", count=len(split.leaked), row=split.leaked[0])


def tell_start(job: Job, tuned: Any, rows: int) -> None:
    """The start event: what is trained, on what, with what."""
    from tuner_tui.training.arguments import total_steps

    total, trainable = model.parameters(tuned)
    job.events.emit(
        EventKind.START,
        id=job.run.id,
        label=job.recipe.label,
        objective=job.objective,
        technique=job.technique,
        optimizer=job.recipe.train.optimizer,
        learning_rate=job.recipe.train.learning_rate,
        total=total_steps(job.recipe.train, rows, job.world),
        rows=rows,
        model=job.recipe.model.id,
        device=device_name(job.device),
        processes=job.world,
        threads=job.threads,
        versions=result.versions(),
        parameters=total,
        trainable=trainable,
        resumed=job.resume,
    )


def device_name(device: str) -> str:
    """What people call the device."""
    import torch

    return str(torch.cuda.get_device_name(0)) if device == "cuda" else "cpu"


def baseline(job: Job, tuned: Any, tokenizer: Any, held_out: list[Example], name: str) -> Measured:
    """The score before the first step, kept in the run's file `name`: a resumed run keeps the one it began with."""
    path = job.run.path / name
    if job.resume and path.is_file():
        return msgspec.json.decode(path.read_bytes(), type=Measured)
    job.phase("baseline")
    with as_base(tuned, goes_on=job.recipe.model.adapter is not None):
        before = measured(job, tuned, tokenizer, held_out)
    if name == "baseline.json":
        tell_score(job, "before", before)
    write_atomic(path, msgspec.json.encode(before))
    return before


@contextmanager
def as_base(tuned: Any, *, goes_on: bool = False) -> Iterator[None]:
    """The model as it was before tuning: the adapter off, unless it is an earlier run's that this one goes on from."""
    if goes_on or not hasattr(tuned, "disable_adapter"):
        yield
        return
    with tuned.disable_adapter():
        yield


def measured(job: Job, tuned: Any, tokenizer: Any, held_out: list[Example]) -> Measured:
    """The recipe's evaluation of the model as it is now."""
    spec, length = job.recipe.evaluation, job.recipe.train.max_length
    if Objective.REFUSAL in job.label.objectives:  # every answer tells whether it refuses
        spec = structs.replace(spec, samples=len(held_out))
    tell = partial(tell_troubles, job)
    grade = grader_of(job.recipe, job.device, tell)
    return measure(tuned, tokenizer, held_out, spec, max_length=length, between=job.check_stop, grade=grade, tell=tell)


def tell_score(job: Job, when: str, found: Measured) -> Measured:
    """The eval event of the claim."""
    fields = {name: getattr(found, name) for name in ("metric", "score", "low", "high", "items", "loss")}
    job.events.emit(EventKind.EVAL, when=when, **fields)
    return found


def samples_of(
    job: Job, held_out: list[Example], after: Measured, before: Measured
) -> tuple[list[Example], list[str], list[str]]:
    """The sample questions with the answers after and before."""
    count = min(job.recipe.evaluation.samples, len(held_out), len(after.answers))
    return held_out[:count], after.answers[:count], before.answers[:count]


def train_steps(
    job: Job, trainer: Any, tokenizer: Any, held_out: list[Example], before: Measured, made_from: dict[str, object]
) -> Reporter:
    """All steps, from the newest whole checkpoint when resuming."""
    from transformers import PrinterCallback

    job.phase("train")
    if not job.leads:
        spread.together(job)  # what is damaged has been put aside
    start = checkpoint.starting_point(job, made_from)
    checkpoint.clear_partial(job.run.checkpoints)
    if job.leads:
        spread.together(job)
    job.check_stop()
    reporter = Reporter(job, trainer, made_from)
    asked, _, base = samples_of(job, held_out, before, before)
    updates = Updates()
    trainer.remove_callback(PrinterCallback)  # what it would print into the log is an event already
    trainer.add_callback(Wrapped(job, trainer))
    trainer.add_callback(reporter)
    trainer.add_callback(updates.callback)
    trainer.add_callback(Sampler(job, tokenizer, asked, base))
    try:
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    except Exception as error:
        if not out_of_memory(error):
            raise
        salvage(trainer, updates, error, reporter.last_saved)
        raise RanOut(str(error)) from None
    checkpoint.clear_partial(job.run.checkpoints)
    if not reporter.stopped and not weights_finite(trainer.model):
        raise Diverged("weights", step=trainer.state.global_step)
    return reporter


def all_finite(trainer: Any) -> bool:
    """Whether every loss, those before a resume included, and every trained weight is finite."""
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return bool(losses) and all(map(math.isfinite, losses)) and weights_finite(trainer.model)
