"""A rehearsal does with the longest real rows everything that a run will do, and leaves no trace in what is trained.

Where memory runs out, a fresh process tries the next smaller way of making the same step: what it ends with is the
smallest change that fits.
"""

from __future__ import annotations

import copy
import random
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from advisor.errors import Refused
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.generate import BATCH, answers
from tuner_tui.runs.adjust import adjustment_of, changed
from tuner_tui.runs.directory import Rehearse
from tuner_tui.runs.events import EventKind
from tuner_tui.runs.need import need_bytes
from tuner_tui.runs.rehearsed import Rehearsal, changes, keep, rehearsal_of
from tuner_tui.training.checkpoint import PARTIAL, candidates, clear_partial
from tuner_tui.training.failure import out_of_memory
from tuner_tui.training.gauge import Gauge
from tuner_tui.training.job import Job, Rehearsed
from tuner_tui.training.speed import put_in_order
from tuner_tui.training.survive import TooBig

SPARE_BATCHES = 8


def before_first_step(job: Job, measure: Callable[[], Rehearsal]) -> None:
    """Rehearse as the run was asked to, unless its recipe was rehearsed before or it has made steps already.

    Refused when a change is needed that nobody accepted; Rehearsed when nothing else was asked for.
    """
    if job.rehearse is Rehearse.SKIP or (job.resume and candidates(job.run.checkpoints)):
        return
    if job.world > 1:
        job.warn("not_rehearsed")
        return
    found = rehearsal_of(job.run)
    if found is None:
        job.phase("rehearse")
        found = measure()
        keep(job.run, found)
        job.events.emit(EventKind.REHEARSAL, **_told(found))
        _remember(job, found)
    if job.rehearse is Rehearse.ONLY:
        raise Rehearsed
    if found.change is None:
        return
    adjustment = adjustment_of(job.parent.run if job.parent else job.run)
    if "train.max_length" in found.change and not (adjustment and adjustment.agreed):
        raise Refused("training.too_long", changes=changes(found))
    if job.rehearse is not Rehearse.FIT:
        raise Refused("training.does_not_fit", changes=changes(found))


def _told(found: Rehearsal) -> dict[str, Any]:
    import msgspec

    return dict(msgspec.to_builtins(found))


def _remember(job: Job, found: Rehearsal) -> None:
    """What a GPU measured corrects later estimates; a rehearsal that had to change its settings measured others."""
    held = [stage.allocated_bytes for stage in found.stages if stage.allocated_bytes is not None]
    if found.device != "cuda" or found.change is not None or not held:
        return
    import time

    from tuner_tui.calibration import remember

    measured = {"at": time.time(), "allocated_bytes": max(held), "longest_tokens": found.longest_tokens}
    remember(job.recipe, measured)


def rehearse(job: Job, trainer: Any, tokenizer: Any, held_out: list[Example], gauge: Gauge) -> Rehearsal:
    """Forward, backward, optimizer, evaluation, save, resume and answers on the longest rows, each measured.

    TooBig when memory runs out.
    """
    train, rows = job.recipe.train, len(trainer.train_dataset)
    chosen, longest = longest_rows(trainer.train_dataset, train.micro_batch * train.grad_accum * SPARE_BATCHES)
    try:
        with untouched(trainer, job.run.checkpoints / PARTIAL), gauge.watching(trainer):
            _through(job, trainer, chosen, gauge)
            gauge.begin()
            asked = [example for example in held_out if example.prompt]  # plain texts are asked nothing
            asked = sorted(asked, key=lambda example: len(example.question), reverse=True)[:BATCH]
            limit = job.recipe.evaluation.max_new_tokens
            answers(trainer.model, tokenizer, asked, max_new_tokens=limit, between=job.check_stop)
            gauge.mark("generate")
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise TooBig(str(error), longest) from None
    clear_partial(job.run.checkpoints)
    return Rehearsal(
        device=job.device,
        source=gauge.source,
        stages=gauge.marks,
        peak_bytes=max(mark.peak_bytes for mark in gauge.marks),
        estimate_bytes=need_bytes(job.recipe) if job.device == "cuda" else None,
        rows=rows,
        longest_tokens=longest,
        change=changed(job.parent.run if job.parent else job.run),
    )


def _through(job: Job, trainer: Any, chosen: Any, gauge: Gauge) -> None:
    """One step of the chosen rows that is evaluated and saved, and one more after resuming from it."""
    trainer.train_dataset = chosen
    if trainer.eval_dataset is not None:
        trainer.eval_dataset, _ = longest_rows(trainer.eval_dataset, job.recipe.train.micro_batch)
    put_in_order(job, trainer)
    trainer.args = copy.copy(trainer.args)
    for name in ("max_steps", "eval_steps", "save_steps", "logging_steps"):
        setattr(trainer.args, name, 1)
    trainer.args.warmup_steps = 0
    trainer.train()
    job.check_stop()
    trainer.args.max_steps = 2
    gauge.begin()
    trainer.train(resume_from_checkpoint=str(job.run.checkpoints / PARTIAL / "checkpoint-1"))


def longest_rows(dataset: Any, count: int) -> tuple[Any, int | None]:
    """The longest rows, repeated up to `count`, and how many tokens the longest has (None: not tokens yet)."""
    columns = [name for name, kind in dataset.features.items() if name.endswith("ids") and "List" in str(kind)]
    lengths = _lengths(dataset, columns) if columns else [len(str(row)) for row in dataset]
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    chosen = [order[at % min(len(order), max(1, count // SPARE_BATCHES))] for at in range(count)]
    return dataset.select(chosen), max(lengths) if columns else None


def _lengths(dataset: Any, columns: list[str]) -> list[int]:
    """How many items each row's lists have together, read from the table without unpacking them."""
    import pyarrow.compute as pc

    table = dataset.with_format("arrow")[:]
    each = [pc.fill_null(pc.list_value_length(table[name]), 0).to_pylist() for name in columns]
    return [sum(lengths) for lengths in zip(*each, strict=True)]


@contextmanager
def untouched(trainer: Any, folder: Path) -> Iterator[None]:
    """Afterwards the trainer, its weights and every random number to come are as they were, bit for bit.

    The weights wait in a file: a second copy in memory would count as the run's own. Trackers hear nothing of it.
    """
    model, aside = trainer.model, folder / "before.pt"
    folder.mkdir(parents=True, exist_ok=True)
    _write_weights(model, aside)
    kept, chances = _copied(vars(trainer)), random_states()
    callbacks, forward, training = trainer.callback_handler.callbacks, vars(model).get("forward"), model.training
    scaler = trainer.accelerator.scaler
    scale = scaler.state_dict() if scaler is not None else None
    trainer.callback_handler.callbacks = _plain(callbacks)
    yield
    trainer.callback_handler.callbacks = callbacks
    for name in ("optimizer", "lr_scheduler", "train_dataloader", "eval_dataloader"):
        setattr(trainer.callback_handler, name, None)
    vars(trainer).clear()
    vars(trainer).update(kept)
    if scale is not None:
        scaler.load_state_dict(scale)
    if forward is None:
        vars(model).pop("forward", None)
    else:
        model.forward = forward
    model.zero_grad(set_to_none=True)
    model.train(training)
    trainer.accelerator.free_memory()
    _read_weights(model, aside)
    set_random_states(chances)


def _plain(callbacks: list[Any]) -> list[Any]:
    """The callback without which the trainer neither evaluates nor saves."""
    from transformers.trainer_callback import DefaultFlowCallback

    return [each for each in callbacks if isinstance(each, DefaultFlowCallback)]


def _copied(value: Any) -> Any:
    """The same value in containers of its own; what is no plain container is taken as it is."""
    if isinstance(value, dict):
        found = copy.copy(value)
        for key, each in value.items():
            found[key] = _copied(each)
        return found
    if type(value) is list:
        return [_copied(each) for each in value]
    return copy.copy(value) if isinstance(value, set | deque) else value


def _moving(model: Any) -> dict[str, Any]:
    """What a step may change: trained weights and buffers."""
    found = {name: weight.data for name, weight in model.named_parameters() if weight.requires_grad}
    return found | {f"buffer.{name}": buffer for name, buffer in model.named_buffers()}


def _write_weights(model: Any, path: Path) -> None:
    import torch

    torch.save(_moving(model), path)


def _read_weights(model: Any, path: Path) -> None:
    """Put the weights back where they are; one whose number format was changed meanwhile gets its own again."""
    import torch

    before = torch.load(path, weights_only=True, mmap=True, map_location="cpu")
    with torch.no_grad():
        for name, buffer in model.named_buffers():
            buffer.copy_(before[f"buffer.{name}"])
        for name, weight in model.named_parameters():
            if weight.requires_grad:
                if weight.dtype is not before[name].dtype:
                    weight.data = weight.data.to(before[name].dtype)
                weight.data.copy_(before[name])


def random_states() -> tuple[Any, Any, Any, Any]:
    """Where Python, numpy, torch and its GPUs stand in their random numbers."""
    import numpy
    import torch

    return random.getstate(), numpy.random.get_state(), torch.get_rng_state(), torch.cuda.get_rng_state_all()


def set_random_states(states: tuple[Any, Any, Any, Any]) -> None:
    """Go on from there."""
    import numpy
    import torch

    random.setstate(states[0])
    numpy.random.set_state(states[1])
    torch.set_rng_state(states[2])
    torch.cuda.set_rng_state_all(states[3])
