"""An exported model is proven by asking it the run's held-out questions again and comparing with the run's report."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.export.outcome import Check, Task

LOSS_TOLERANCE = 1e-3  # nats per trained token: more than rounding on other threads, far less than any tuning

Loader = Callable[[Recipe, str], Any]


def prove(task: Task, load: Loader, tokenizer_folder: Path) -> list[Check]:
    """Checks `answers`, `score` and `loss`: the loaded model against `report.json` of the run, by the run's own code.

    `load(recipe, device)` gives the exported model. Without a report, or when the data is gone, one failed check
    says so: files that nobody compared are not called good.
    """
    report = task.source.run.report() if task.source.run else None
    if report is None:
        return [task.check("compared", False, why=task.say("why.no_report"))]
    try:
        found = measured_again(task, load, tokenizer_folder)
    except InputError as error:
        return [task.check("compared", False, why=error.text(task.words.lang))]
    return compared(task, report, found)


def base_changed(task: Task) -> list[str]:
    """A note when the base model's files are newer than the run: then nothing can answer as the run's model did."""
    folder = task.source.file(task.source.recipe.model.id)
    if task.source.run is None or not task.source.run.report_path.is_file() or not folder.is_dir():
        return []
    made = task.source.run.report_path.stat().st_mtime
    newer = [path for path in folder.glob("*.safetensors") if path.stat().st_mtime > made]
    return [task.say("note.base_changed", path=folder)] if newer else []


def compared(task: Task, report: dict[str, Any], found: Any) -> list[Check]:
    """What the exported model said beside what the run's model said."""
    wanted = [sample["after"] for sample in report["samples"]]
    said = found.answers[: len(wanted)]
    same = sum(left == right for left, right in zip(wanted, said, strict=False))
    after = report["after"]
    checks = [
        task.check("answers", same == len(wanted), value={"same": same, "of": len(wanted)}, same=same, of=len(wanted))
    ]
    for name, now in (("score", found.score), ("loss", found.loss)):
        if after[name] is None or now is None:
            continue
        close = abs(now - after[name]) <= LOSS_TOLERANCE
        value = {"run": after[name], "export": now}
        metric = task.words.metric(after["metric"])
        checks.append(task.check(name, close, value=value, before=after[name], now=now, metric=metric))
    return checks


def measured_again(task: Task, load: Loader, tokenizer_folder: Path) -> Any:
    """The run's own evaluation of the exported model on the same held-out rows."""
    recipe = task.source.judged
    prepare(recipe)
    from transformers import AutoTokenizer

    from tuner_tui.evaluation.example import for_model
    from tuner_tui.evaluation.grading import grader_of
    from tuner_tui.evaluation.measure import measure
    from tuner_tui.training import data

    with contextlib.chdir(task.source.path.parent):
        split = data.load(recipe, reader(recipe), task.words.say)
        tokenizer = AutoTokenizer.from_pretrained(str(tokenizer_folder))
        model = load(recipe, device())
    held_out = for_model(tokenizer, split.held_out)
    grade, length = grader_of(recipe, device()), recipe.train.max_length
    return measure(model, tokenizer, held_out, recipe.evaluation, max_length=length, grade=grade)


def prepare(recipe: Recipe) -> None:
    """Threads and offline switches, before the heavy libraries read them once."""
    from tuner_tui.training.model import is_local
    from tuner_tui.training.threads import idle_threads, use_threads

    threads = idle_threads(recipe.train.threads)
    use_threads(threads)
    if is_local(recipe.model):
        os.environ["HF_HUB_OFFLINE"] = "1"
    import torch

    torch.set_num_threads(threads)


def reader(recipe: Recipe) -> Any:
    """How the recipe's objective reads rows."""
    from tuner_tui.training.methods import FILES

    objective = recipe.parsed_label.objectives[0]
    if objective not in FILES:
        raise InputError("training.objective", objective=objective, allowed=", ".join(FILES))
    return importlib.import_module(f"tuner_tui.training.{FILES[objective]}").read


def device() -> str:
    """Where the comparison runs: as the training did."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
