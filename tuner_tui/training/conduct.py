"""A run is one stage, or a chain of stages each starting from the last; its report claims only what was checked."""

from __future__ import annotations

from tuner_tui.training.answers import write_answers
from tuner_tui.training.chain import run_chain
from tuner_tui.training.job import Job
from tuner_tui.training.report import write_report
from tuner_tui.training.stage import run_stage


def conduct(job: Job) -> bool:
    """Do the run and write its report; returns whether it stopped early on request. Raises what goes wrong."""
    stages = job.recipe.in_order
    outcome = run_chain(job) if len(stages) > 1 else run_stage(job)
    if outcome is None:
        return True
    if not job.leads:
        return False
    job.phase("report")
    write_report(job, outcome)
    write_answers(job, outcome)
    return False
