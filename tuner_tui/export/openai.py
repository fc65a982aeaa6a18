"""Rows for a hosted tuning service: every documented rule is checked, row by row, before the files are called good."""

from __future__ import annotations

import json
from typing import Any

from advisor.methods import Objective
from tuner_tui.export.chat_rules import Problem, problems
from tuner_tui.export.concrete import Concrete, concrete, in_effect
from tuner_tui.export.jsonl import asked, lines
from tuner_tui.export.outcome import Check, Outcome, Task

OBJECTIVES = (
    Objective.SFT,
    Objective.DOMAIN_QA,
    Objective.STYLE,
    Objective.REFUSAL,
    Objective.DISTILL,
    Objective.DPO,
)
BOM = "\ufeff"
SUFFIX_LENGTH = {"openai": 64, "azure": 18}


def export(task: Task) -> Outcome:
    """Write `openai/train.jsonl`, `openai/validation.jsonl` and the job's body."""
    outcome = written(task, "openai")
    return Outcome(
        checks=outcome.checks,
        notes=[task.say("note.openai_closing"), *outcome.notes],
        unexpressed=outcome.unexpressed,
    )


def written(task: Task, target: str) -> Outcome:
    """The files of a service: `azure` wants a byte-order mark, others refuse one."""
    task.source.one_stage(OBJECTIVES)
    work = concrete(task)
    row = preference_row if work.compares else chat_row
    mark = BOM if target == "azure" else ""
    found: list[Problem] = []
    for name, examples in (("train", work.train), ("validation", work.held_out)):
        path = task.place.write(f"{target}/{name}.jsonl", mark + lines(map(row, examples)))
        found += problems(path, preference=work.compares, azure=target == "azure", enough=name == "train")
    task.place.write(f"{target}/job.json", json.dumps(job(work, target), ensure_ascii=False, indent=2) + "\n")
    return Outcome(checks=[judged(task, found, len(work.train))], notes=[], unexpressed=unsaid(task, work, target))


def judged(task: Task, found: list[Problem], rows: int) -> Check:
    """The check `chat_rules`: the first broken rule with its file and row, if any."""
    if not found:
        return task.check("chat_rules", True, rows=rows, count=0, file="", row=0, rule="")
    first = found[0]
    rule = task.say(f"rule.{first.rule}", found=first.found)
    shown = [{"file": each.file, "row": each.row, "rule": each.rule, "found": each.found} for each in found[:20]]
    return task.check(
        "chat_rules", False, value=shown, rows=rows, count=len(found), file=first.file, row=first.row, rule=rule
    )


def chat_row(example: Any) -> dict[str, Any]:
    """One conversation; only its last answer is learned, as our own masks have it."""
    before = [{**turn, "weight": 0} if turn["role"] == "assistant" else turn for turn in asked(example)]
    return {"messages": [*before, {"role": "assistant", "content": example.completion}]}


def preference_row(example: Any) -> dict[str, Any]:
    """A prompt with the preferred and the other answer."""
    return {
        "input": {"messages": asked(example)},
        "preferred_output": [{"role": "assistant", "content": example.completion}],
        "non_preferred_output": [{"role": "assistant", "content": example.rejected}],
    }


def job(work: Concrete, target: str) -> dict[str, Any]:
    """The body of the job's request; model and file ids are the user's to fill in."""
    kind = "dpo" if work.compares else "supervised"
    numbers: dict[str, Any] = {"n_epochs": epochs(work), "batch_size": batch(work), "learning_rate_multiplier": "auto"}
    if work.compares:
        numbers["beta"] = work.beta
    return {
        "model": "MODEL",
        "training_file": "ID OF train.jsonl",
        "validation_file": "ID OF validation.jsonl",
        "seed": work.recipe.seed,
        "suffix": work.recipe.name[: SUFFIX_LENGTH[target]],
        "method": {"type": kind, kind: {"hyperparameters": numbers}},
    }


def batch(work: Concrete) -> int:
    """Examples in one optimizer step."""
    return work.recipe.train.micro_batch * work.recipe.train.grad_accum


def epochs(work: Concrete) -> int:
    """Whole passes over the rows, at least one: services take no steps and no fractions."""
    return max(1, round(work.steps * batch(work) / len(work.train)))


def unsaid(task: Task, work: Concrete, target: str) -> dict[str, str]:
    """A hosted service takes epochs, batch size, beta and seed; the rest is its own affair."""
    said = {"train.epochs", "train.max_steps", "train.micro_batch", "train.grad_accum", "train.beta", "seed"}
    return {
        key: task.say("unsaid", target=target, value=value)
        for key, value in in_effect(work.recipe).items()
        if key not in said
    }
