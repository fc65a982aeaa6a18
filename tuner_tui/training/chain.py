"""Stages in order, each starting from what the last one left; the claim compares the very first model with the last.

A stage has a folder of its own under `stages/`, with its recipe, checkpoints and report, so that a stopped chain goes
on inside the stage where it was. Steps are counted through the whole chain.
"""

from __future__ import annotations

import gc
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from advisor.methods import Label, Objective, Technique
from advisor.recipe import EvalSpec, Metric, ModelSpec, Recipe, Stage, encode_recipe
from tuner_tui.evaluation.example import for_model
from tuner_tui.runs.adjust import adjustment_of
from tuner_tui.runs.directory import Rehearse, RunDir, write_atomic
from tuner_tui.runs.events import EventKind
from tuner_tui.runs.rehearsed import Rehearsal
from tuner_tui.training import data, model
from tuner_tui.training.arguments import total_steps
from tuner_tui.training.gauge import Gauge
from tuner_tui.training.job import Job
from tuner_tui.training.methods import method_of, work
from tuner_tui.training.raft import raft, roomy
from tuner_tui.training.rehearse import before_first_step, random_states, rehearse, set_random_states
from tuner_tui.training.report import Outcome, write_report
from tuner_tui.training.spread import Silent
from tuner_tui.training.stage import get_ready, measured, run_stage, tell_score

PAIRED = (Objective.DPO, Objective.ORPO, Objective.KTO, Objective.RLHF_PPO)


class Relay:
    """Events of a stage as events of the whole run: steps go on counting, the claim is the chain's alone.

    `totals` are the steps of each stage: those done, those planned of the stages to come.
    """

    def __init__(self, job: Job, index: int, totals: list[int]) -> None:
        self._job = job
        self._stage = {"stage": index + 1, "stages": len(totals)}
        self._index, self._totals = index, totals

    def emit(self, kind: EventKind, **fields: Any) -> None:
        """Write the event to the run's log, counted through the chain."""
        if kind is EventKind.EVAL and "when" in fields:
            return
        if kind is EventKind.START:
            self._totals[self._index] = fields["total"]  # what was planned before the texts were packed or cut
            fields |= {"id": self._job.run.id, "label": self._job.recipe.label}
        if "step" in fields:
            fields["step"] += sum(self._totals[: self._index])
        if "total" in fields:
            fields["total"] = sum(self._totals)
        if kind is EventKind.CHECKPOINT:
            number = f"{self._stage['stage']}-{fields.pop('objective', '')}".rstrip("-")
            fields["path"] = f"stages/{number}/{fields['path']}"
        self._job.events.emit(kind, **{**self._stage, **fields})  # a rehearsal has stages of its own


def run_chain(job: Job) -> Outcome | None:
    """Do all stages; None when asked to stop. Raises what goes wrong."""
    written = _recipe_of(job.run.recipe_path)
    jobs = [_stage_job(job, written, index) for index in range(len(job.recipe.in_order))]
    totals = [_planned(each) for each in jobs]
    before_first_step(job, lambda: _rehearse(jobs))
    for each in jobs:
        each.rehearse = Rehearse.FIT if _trains_first(each) else Rehearse.SKIP
    before = _baseline(job, jobs[-1])
    outcomes: list[Outcome] = []
    for index, each in enumerate(jobs):
        each.events = Relay(job, index, totals)
        outcome = _done(each) or _run(each, jobs[index - 1] if index else None)
        if outcome is None:
            return None
        outcomes.append(outcome)
        totals[index] = outcome.steps
        gc.collect()
    last = outcomes[-1]
    tell_score(job, "after", last.after)
    _take(jobs[-1].run, job.run)
    return structs.replace(
        last,
        before=before,
        steps=sum(each.steps for each in outcomes),
        planned=sum(each.planned for each in outcomes),
        tokens=sum(each.tokens for each in outcomes),
        seconds=sum(each.seconds for each in outcomes),
        finite=all(each.finite for each in outcomes),
        peak_bytes=max((each.peak_bytes for each in outcomes if each.peak_bytes is not None), default=None),
    )


def _rehearse(jobs: list[Job]) -> Rehearsal:
    """Every stage before the first step of the first, each with the first model: the one that needs most."""
    found = []
    for each in jobs:
        if _trains_first(each):
            continue
        chances, gauge = random_states(), Gauge(each.device)
        stage = replace(each, recipe=_as_it_fits(each), events=Silent())
        ready = get_ready(stage, gauge)
        found.append(rehearse(stage, ready.trainer, ready.tokenizer, ready.held_out, gauge))
        set_random_states(chances)
        del ready
        gc.collect()
    return max(found, key=lambda each: each.peak_bytes)


def _trains_first(job: Job) -> bool:
    """Whether another model must be trained before the stage's own can be rehearsed: it is, in its turn."""
    return job.objective is Objective.RLHF_PPO


def _stage_job(job: Job, written: Recipe, index: int) -> Job:
    """The job of one stage, in its own folder; its numbers are those `written`, before memory made them smaller."""
    stages = job.recipe.in_order[index]
    folder = job.run.path / "stages" / f"{index + 1}-{'+'.join(stages)}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints").mkdir(exist_ok=True)
    label = Label(job.label.approach, (stages,), job.technique)
    asked = job.recipe.stages[index] if job.recipe.stages else Stage(objective="+".join(stages))
    last = index == len(job.recipe.in_order) - 1
    recipe = structs.replace(
        job.recipe,
        label=str(label),
        stages=[],
        data=job.recipe.stage_data(index),
        train=asked.train or written.train,
        evaluation=job.recipe.evaluation if last else _judged(job.recipe.evaluation, stages[0]),
    )
    child = structs_job(job, RunDir(folder), recipe)
    child.resume = job.resume
    return child


def structs_job(job: Job, run: RunDir, recipe: Recipe) -> Job:
    """A job that shares everything with its parent but folder and recipe."""
    return Job(
        run=run, recipe=recipe, events=job.events, words=job.words, device=job.device, threads=job.threads, parent=job
    )


def _judged(asked: EvalSpec, objective: Objective) -> EvalSpec:
    """How a stage before the last is judged: pairs by ranking, all else by loss."""
    metric = Metric.PREFERENCE if objective in PAIRED else Metric.LOSS
    return structs.replace(asked, metric=metric, pattern=None)


def _planned(job: Job) -> int:
    """Steps of a stage; reads its data, so that a bad file is refused before anything is trained."""
    objective = method_of(job)
    split = data.load(job.recipe, objective.read, job.say)
    return total_steps(job.recipe.train, work(objective, job, len(split.train)))


def _baseline(job: Job, last: Job) -> Any:
    """The first model's score on the last stage's held-out rows."""
    from tuner_tui.evaluation.measure import Measured

    path = job.run.path / "baseline.json"
    if path.is_file():
        return msgspec.json.decode(path.read_bytes(), type=Measured)
    job.phase("baseline")
    model.check_model(job.recipe.model)
    tokenizer = model.load_tokenizer(job.recipe.model)
    held_out = data.load(last.recipe, method_of(last).read, job.say).held_out
    asked = raft(last.recipe, tokenizer, for_model(tokenizer, held_out))
    untuned, _ = model.begin(last.recipe, job.device)
    last = replace(last, recipe=roomy(last.recipe, untuned.config, tokenizer, asked))
    before: Measured = tell_score(job, "before", measured(last, untuned, tokenizer, asked))
    write_atomic(path, msgspec.json.encode(before))
    return before


def _run(job: Job, previous: Job | None) -> Outcome | None:
    """One stage, from where the last one ended."""
    if previous is not None:
        job.recipe = structs.replace(job.recipe, model=_left_by(previous))
    write_atomic(job.run.recipe_path, encode_recipe(job.recipe).encode())
    job.recipe = _as_it_fits(job)
    outcome = run_stage(job)
    if outcome is not None:
        write_report(job, outcome)
        write_atomic(job.run.path / "outcome.json", msgspec.json.encode(outcome))
        shutil.rmtree(job.run.checkpoints, ignore_errors=True)
    return outcome


def _as_it_fits(job: Job) -> Recipe:
    """The stage's recipe with the smaller pieces that the run has needed since memory ran out; equal batches."""
    found, train = adjustment_of(job.parent.run) if job.parent else None, job.recipe.train
    batch = train.micro_batch * train.grad_accum
    if found is None or batch % min(found.micro_batch, train.micro_batch):
        return job.recipe
    micro = min(found.micro_batch, train.micro_batch)
    fits = {"micro_batch": micro, "grad_accum": batch // micro, "grad_ckpt": found.grad_ckpt or train.grad_ckpt}
    fits["max_length"] = min(found.max_length or train.max_length, train.max_length)
    return structs.replace(job.recipe, train=structs.replace(train, **fits))


def _left_by(job: Job) -> ModelSpec:
    """The model that a finished stage left."""
    if job.technique is Technique.FULL:
        return structs.replace(job.recipe.model, id=str(job.run.model), revision=None)
    return structs.replace(job.recipe.model, adapter=str(job.run.adapter))


def _done(job: Job) -> Outcome | None:
    """What a stage that is already finished measured."""
    path = job.run.path / "outcome.json"
    if not job.resume or not path.is_file():
        return None
    job.recipe = _recipe_of(job.run.recipe_path)
    return msgspec.json.decode(path.read_bytes(), type=Outcome)


def _recipe_of(path: Path) -> Recipe:
    from advisor.recipe import decode_recipe

    return decode_recipe(path.read_bytes(), str(path))


def _take(stage: RunDir, run: RunDir) -> None:
    """The last stage's result is the run's."""
    for name in ("adapter", "model"):
        if (stage.path / name).is_dir():
            shutil.rmtree(run.path / name, ignore_errors=True)
            shutil.copytree(stage.path / name, run.path / name)
