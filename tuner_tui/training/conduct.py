"""A run is one stage, or a chain of stages each starting from the last; its report claims only what was checked."""

from __future__ import annotations

from advisor.errors import InputError
from advisor.methods import Objective
from tuner_tui.training.chain import run_chain
from tuner_tui.training.job import Job
from tuner_tui.training.report import write_report
from tuner_tui.training.spread import local_rank
from tuner_tui.training.stage import run_stage


def conduct(job: Job) -> bool:
    """Do the run and write its report; returns whether it stopped early on request. Raises what goes wrong."""
    stages = job.recipe.in_order
    if job.world > 1 and (len(stages) > 1 or stages[0][0] is Objective.RLHF_PPO):
        raise InputError("training.launch_alone", label=job.recipe.label)
    outcome = run_chain(job) if len(stages) > 1 else run_stage(job)
    if outcome is None:
        return True
    if local_rank():
        return False
    job.phase("report")
    write_report(job, outcome)
    return False
