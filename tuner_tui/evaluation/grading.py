"""Some answers are graded by more than a pair of texts: by the recipe's reward, or by its judge with a rubric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.errors import InputError
from advisor.recipe import Metric, Recipe
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.judge import Judge, grade_prompt, judge_of
from tuner_tui.evaluation.measure import Grade, Tell
from tuner_tui.evaluation.rewards import rewards


def grader_of(recipe: Recipe, device: str, tell: Tell = lambda troubles: None, **client: Any) -> Grade | None:
    """Who grades by the recipe's metric; None for a metric that needs nobody. InputError: no judge is named.

    `tell` hears of answers that the recipe's reward could not check.
    `client` is for a judge behind an endpoint. A local one is loaded when it is first asked and kept by the grader.
    """
    metric = recipe.evaluation.metric
    if metric is Metric.REWARD:
        return lambda examples, said: _rewarded(recipe, examples, said, tell)
    if metric is not Metric.RUBRIC:
        return None
    if recipe.judge is None:
        raise InputError("judge.none")
    return _Rubric(recipe, device, client)


def _rewarded(recipe: Recipe, examples: Sequence[Example], said: Sequence[str], tell: Tell) -> list[float]:
    asked = [(example.question, example.completion) for example in examples]
    return rewards(recipe.reward, [question for question, _ in asked], said, [wanted for _, wanted in asked], tell)


class _Rubric:
    def __init__(self, recipe: Recipe, device: str, client: dict[str, Any]) -> None:
        self._recipe, self._device, self._client = recipe, device, client
        self._judge: Judge | None = None

    def __call__(self, examples: Sequence[Example], said: Sequence[str]) -> list[float]:
        self._judge = self._judge or judge_of(self._recipe, self._device, **self._client)
        spec = self._recipe.judge
        assert spec is not None
        asked = zip(examples, said, strict=True)
        return self._judge.grades([grade_prompt(spec, each.question, each.completion, text) for each, text in asked])
