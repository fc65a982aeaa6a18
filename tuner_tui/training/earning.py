"""What could not be checked is told as it happens, and a reward that can check nothing is refused before any step."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import Check, Metric
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.rewards import judge_of
from tuner_tui.evaluation.troubles import Troubles
from tuner_tui.training.job import Job

TRIED = 3


def tell_troubles(job: Job, troubles: Troubles) -> None:
    """Warn of answers that could not be checked."""
    for code, params in troubles.texts(job.say):
        job.warn(code, **params)


class Telling:
    """Tells of troubles that grow: at the first one, then whenever there are twice as many as were told."""

    def __init__(self, job: Job) -> None:
        self._job, self._told = job, 0

    def __call__(self, troubles: Troubles) -> None:
        """Tell, if there is more to tell."""
        count = troubles.failures + troubles.beyond
        if count >= max(2 * self._told, 1):
            self._told = count
            tell_troubles(self._job, troubles)


def try_reward(job: Job, examples: Sequence[Example]) -> None:
    """InputError when the user's own reward fails on each of the first rows, with the right answer as the answer."""
    recipe = job.recipe
    earns = job.objective is Objective.GRPO or recipe.evaluation.metric is Metric.REWARD
    if not earns or recipe.reward.check is not Check.PYTHON:
        return
    judge, asked = judge_of(recipe.reward), examples[:TRIED]
    try:
        wanted = [example.completion for example in asked]
        judge([example.question for example in asked], wanted, wanted)
    finally:
        judge.close()
    found = judge.troubles
    if found.failures == found.asked:
        why = job.say(f"training.reward.{found.kind}", detail=found.detail)
        raise InputError("training.reward_fails", value=recipe.reward.python, count=found.asked, why=why)
