"""Which objective is trained by which file, and which scores its data can give."""

from __future__ import annotations

import importlib
from typing import Any

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import Metric
from tuner_tui.training.job import Job

FILES = {
    Objective.CPT: "cpt",
    Objective.SFT: "sft",
    Objective.DOMAIN_QA: "domain_qa",
    Objective.STYLE: "style",
    Objective.REFUSAL: "refusal",
    Objective.DISTILL: "distill",
    Objective.DPO: "dpo",
    Objective.ORPO: "orpo",
    Objective.KTO: "kto",
    Objective.RLHF_PPO: "rlhf",
    Objective.GRPO: "grpo",
}
COMPARED = (Objective.DPO, Objective.ORPO, Objective.KTO, Objective.RLHF_PPO)
UNASKED = (Objective.CPT,)


def method_of(job: Job) -> Any:
    """The objective's module; InputError when the metric does not fit its data."""
    objective, judged = job.objective, job.recipe.evaluation
    if judged.metric is Metric.PREFERENCE and objective not in COMPARED:
        raise InputError("training.metric", metric=judged.metric, objective=objective)
    if judged.metric is not Metric.LOSS and objective in UNASKED:
        raise InputError("training.metric_text", metric=judged.metric, objective=objective)
    if judged.metric is Metric.REGEX and not judged.pattern:
        raise InputError("training.pattern")
    if judged.metric is Metric.RUBRIC and job.recipe.judge is None:
        raise InputError("judge.none")
    return importlib.import_module(f"tuner_tui.training.{FILES[objective]}")


def work(objective: Any, job: Job, rows: int) -> int:
    """What `rows` training rows count as when steps are counted: online methods count answers."""
    return int(objective.work(job, rows)) if hasattr(objective, "work") else rows
