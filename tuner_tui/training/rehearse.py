"""A rehearsal does with the longest real rows everything that a run will do, so that what fails late fails now.

`python -m tuner_tui.training.rehearse RUN_DIR` writes `rehearsal.json` there. Where memory runs out it tries the next
smaller way of making the same step in a fresh process; what it ended with is the smallest change that fits.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path
from typing import Any

import msgspec

from advisor.recipe import Recipe, decode_recipe
from tuner_tui.runs.directory import RunDir, write_atomic
from tuner_tui.runs.events import EventKind, EventWriter, ExitReason
from tuner_tui.training.__main__ import prepare
from tuner_tui.training.failure import Ending, ending_of, out_of_memory
from tuner_tui.training.gauge import Gauge, Mark
from tuner_tui.training.job import Job
from tuner_tui.training.survive import RanOut, adjusted, adjustment_of, begin_again, shrink
from tuner_tui.words import language, words

FILE = "rehearsal.json"
SPARE_BATCHES = 8


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, in bytes and seconds. `change` is what must differ from the recipe, None = nothing."""

    device: str
    source: str
    stages: list[Mark]
    peak_bytes: int
    rows: int
    longest_tokens: int | None
    micro_batch: int
    grad_accum: int
    grad_ckpt: bool
    change: dict[str, Any] | None


def main(folder: str) -> int:
    """The exit code is that of the exit event."""
    run = RunDir(Path(folder).resolve())
    with EventWriter(run.events_path, reserve=True) as events:
        ending = attempt(run, events)
        if ending is not None:
            events.emit(EventKind.EXIT, reason=ending.reason, code=ending.code, text=ending.text)
    return ending.code if ending is not None else begin_again()


def attempt(run: RunDir, events: EventWriter) -> Ending | None:
    """One rehearsal; None when a smaller way is to be tried."""
    say = words(language()).say
    try:
        recipe = adjusted(run, decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)))
        job = Job(run=run, recipe=one_step(recipe), events=events, words=words(language()))
        job.trap_signals()
        job.phase("prepare")
        prepare(job, recipe)
        write_atomic(run.path / FILE, msgspec.json.encode(rehearse(job, recipe)))
        return Ending(ExitReason.DONE, 0, say("training.rehearsal.done"))
    except BaseException as error:
        with contextlib.suppress(OSError):
            traceback.print_exc()
        if out_of_memory(error) or isinstance(error, RanOut):
            text = words(language()).fault("training.rehearsal.too_big")
            return None if shrink(run, recipe) else Ending(ExitReason.OOM, 3, text)
        return ending_of(error, say, language())


def one_step(recipe: Recipe) -> Recipe:
    """The recipe for one step that is evaluated and saved."""
    fields = {"max_steps": 1, "eval_steps": 1, "save_steps": 1, "log_steps": 1, "warmup_ratio": 0.0}
    return msgspec.structs.replace(recipe, train=msgspec.structs.replace(recipe.train, **fields))


def rehearse(job: Job, recipe: Recipe) -> Rehearsal:
    """Forward, backward, optimizer, evaluation, save, resume and answers on the longest rows, each measured."""
    from tuner_tui.evaluation.example import for_model
    from tuner_tui.evaluation.generate import answers
    from tuner_tui.training import data, model
    from tuner_tui.training.methods import method_of
    from tuner_tui.training.speed import put_in_order, settle

    gauge = Gauge(job.device)
    objective = method_of(job)
    split = data.load(job.recipe, objective.read, job.say)
    job.phase("load")
    tokenizer = model.load_tokenizer(job.recipe.model)
    train, held_out = for_model(tokenizer, split.train), for_model(tokenizer, split.held_out)
    tuned, added = model.begin(job.recipe, job.device)
    trainer = objective.trainer(job, tuned, tokenizer, train, held_out, added)
    model.settle_adapter(job.precision, trainer.model)
    settle(job, trainer)
    gauge.mark("load")
    job.phase("rehearse")
    wanted = job.recipe.train.micro_batch * job.recipe.train.grad_accum * SPARE_BATCHES
    trainer.train_dataset, longest = longest_rows(trainer.train_dataset, wanted)
    trainer.eval_dataset, _ = longest_rows(trainer.eval_dataset, job.recipe.train.micro_batch)
    put_in_order(job, trainer)
    trainer.add_callback(gauge.callback(trainer.model))
    trainer.train()
    trainer.args.max_steps = 2
    gauge.begin("resume")
    trainer.train(resume_from_checkpoint=str(job.run.checkpoints / ".partial" / "checkpoint-1"))
    gauge.begin("generate")
    asked = sorted(held_out, key=lambda example: len(example.question), reverse=True)[:32]
    limit = job.recipe.evaluation.max_new_tokens
    answers(trainer.model, tokenizer, asked, max_new_tokens=limit, between=job.check_stop)
    gauge.mark("generate")
    change = adjustment_of(job.run)
    return Rehearsal(
        device=job.device,
        source=gauge.source,
        stages=gauge.marks,
        peak_bytes=max(mark.peak_bytes for mark in gauge.marks),
        rows=len(train),
        longest_tokens=longest,
        micro_batch=recipe.train.micro_batch,
        grad_accum=recipe.train.grad_accum,
        grad_ckpt=recipe.train.grad_ckpt,
        change=None if change is None else changed(change),
    )


def changed(change: Any) -> dict[str, Any]:
    """The recipe keys that must be changed."""
    return {f"train.{name}": getattr(change, name) for name in ("micro_batch", "grad_accum", "grad_ckpt")}


def longest_rows(dataset: Any, count: int) -> tuple[Any, int | None]:
    """The longest rows, repeated up to `count`, and how many tokens the longest has (None: not tokens yet)."""
    columns = [name for name, kind in dataset.features.items() if name.endswith("ids") and "List" in str(kind)]
    if columns:
        lengths = [sum(len(row[name] or ()) for name in columns) for row in dataset]
    else:
        lengths = [len(str(row)) for row in dataset]
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    chosen = [order[at % min(len(order), max(1, count // SPARE_BATCHES))] for at in range(count)]
    return dataset.select(chosen), max(lengths) if columns else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
