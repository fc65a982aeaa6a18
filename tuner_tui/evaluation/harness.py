"""Named tasks of lm-evaluation-harness, run by that library on the weights that are loaded already, base and tuned.

Optional extra `harness`; https://github.com/EleutherAI/lm-evaluation-harness. A task may fetch its own data: what is
named is what is run, and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.evaluation.weights import Weights
from tuner_tui.safe import clean

BATCH = 8


class TaskScore(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one task: before and after tuning, with the standard error that the harness gives."""

    task: str
    metric: str
    base: float
    tuned: float | None
    error: float | None


def known_tasks(tasks: Sequence[str], folder: str | None) -> Any:
    """The harness' manager of tasks. InputError: the library is missing, or it knows no such task."""
    try:
        from lm_eval.tasks import TaskManager
    except ImportError:
        raise InputError("harness.missing") from None
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    manager = TaskManager(include_path=str(Path(folder).expanduser()) if folder else None)
    for name in tasks:
        if not manager.match_tasks([name]):
            raise InputError("harness.task", name=name, folder=folder or "-")
    return manager


def harness(
    weights: Weights, tokenizer: Any, tasks: Sequence[str], folder: str | None, limit: int | None
) -> list[TaskScore]:
    """Every metric of the tasks; `folder` holds the user's own task files, `limit` is the most questions a task.

    InputError as `known_tasks`, and where a task cannot be run (its data cannot be fetched, say).
    """
    manager = known_tasks(tasks, folder)
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    found: dict[bool, dict[str, Any]] = {}
    for tuned in (False, True) if weights.tuned else (False,):
        with weights.of(tuned=tuned) as model:
            held = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=BATCH)
            try:
                done = simple_evaluate(
                    model=held,
                    tasks=list(tasks),
                    task_manager=manager,
                    limit=limit,
                    bootstrap_iters=0,
                    verbosity="ERROR",
                )
            except Exception as error:  # a task's own code and data may do anything; the lanes' figures stay
                detail = clean(f"{type(error).__name__}: {error}", 300)
                raise InputError("harness.failed", tasks=", ".join(tasks), detail=detail) from error
        found[tuned] = done["results"]
    return scores(found[False], found.get(True))


def scores(base: dict[str, Any], tuned: dict[str, Any] | None) -> list[TaskScore]:
    """The harness' results as rows; its keys are `METRIC,FILTER` and `METRIC_stderr,FILTER`."""
    rows = []
    for task, values in sorted(base.items()):
        for key, value in sorted(values.items()):
            metric, comma, kind = key.partition(",")
            if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            after = (tuned or {}).get(task, {}).get(key)
            error = values.get(f"{metric}_stderr,{kind}")
            rows.append(
                TaskScore(
                    task=task,
                    metric=metric if kind == "none" else key,
                    base=float(value),
                    tuned=float(after) if isinstance(after, int | float) else None,
                    error=float(error) if isinstance(error, int | float) else None,
                )
            )
    return rows
