"""Before and after are measured by this one function, on the same held-out rows, or they are not compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import EvalSpec, Metric
from tuner_tui.evaluation import scorers
from tuner_tui.evaluation.constrain import Constraint
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.generate import answers
from tuner_tui.evaluation.interval import UNIT, bootstrap, mean
from tuner_tui.evaluation.likelihood import Likelihood, likelihoods
from tuner_tui.evaluation.refusals import is_refusal
from tuner_tui.evaluation.rewards import Checks
from tuner_tui.evaluation.troubles import Troubles

SCORES: dict[Metric, Callable[[str, str], float]] = {
    Metric.EXACT_MATCH: scorers.exact_match,
    Metric.TOKEN_F1: scorers.token_f1,
    Metric.ROUGE_L: scorers.rouge_l,
    Metric.CHRF: scorers.chrf,
    Metric.JSON: lambda answer, _: float(scorers.is_json(answer)),
    Metric.REFUSAL: lambda answer, wanted: float(is_refusal(answer) == is_refusal(wanted)),
}
GRADED = (Metric.REWARD, Metric.RUBRIC)
"""Metrics that no pair of texts gives: the recipe says who grades the answers (`grading.grader_of`)."""
GENERATED = (Metric.REGEX, *GRADED, *SCORES)
Grade = Callable[[Sequence[Example], Sequence[str]], list[float]]
Tell = Callable[[Troubles], None]
LIMIT_S = 5.0
"""For the score of one answer: a pattern can need forever."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement: the score with its 95 % interval, the loss in nats per trained token, the answers.

    `values` are the scores item by item (for ranked verdicts, liked item by liked item).
    """

    metric: Metric
    score: float
    low: float
    high: float
    items: int
    loss: float | None
    answers: list[str] = []
    values: list[float] = []

    def improved_on(self, before: Measured) -> bool:
        """Whether this score is better than the one before; lower is better for the loss only."""
        return self.score < before.score if self.metric is Metric.LOSS else self.score > before.score

    @property
    def at_ceiling(self) -> bool:
        """Whether no score could be better."""
        return self.metric is not Metric.LOSS and self.score >= 1.0


def measure(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    spec: EvalSpec,
    *,
    max_length: int,
    between: Callable[[], None] = lambda: None,
    heard: Callable[[int], None] = lambda done: None,
    constraint: Constraint | None = None,
    grade: Grade | None = None,
    tell: Tell = lambda troubles: None,
) -> Measured:
    """Score `examples` (at least one) by `spec.metric`; answers are generated for the score or the samples.

    `grade` scores the answers where the metric is one of GRADED. `tell` hears of answers that could not be scored.
    `between` is called before each batch; `heard` after each of those that the score waits for, with how many are done.

    Of single answers with a verdict (KTO), the loss counts the liked ones, and the preference is how often a liked
    answer is likelier (per token) than a disliked one.
    """
    asked = len(examples) if spec.metric in GENERATED else min(spec.samples, len(examples))
    asked = asked if examples[0].prompt else 0  # running text asks nothing
    generated = spec.metric in GENERATED
    said = answers(
        model,
        tokenizer,
        examples[:asked],
        max_new_tokens=spec.max_new_tokens,
        between=between,
        heard=heard if generated else lambda done: None,
        constraint=constraint,
    )
    wanted = likelihoods(
        model,
        tokenizer,
        [(e, e.completion) for e in examples],
        max_length=max_length,
        between=between,
        heard=(lambda done: None) if generated else heard,
    )
    liked = [each for each, example in zip(wanted, examples, strict=True) if example.liked is not False]
    if spec.metric is Metric.PREFERENCE:
        values = _preferences(model, tokenizer, examples, wanted, max_length=max_length, between=between)
    elif spec.metric is Metric.LOSS:
        values = [-each.log_prob / max(each.tokens, 1) for each in liked or wanted]
    else:
        values = graded(spec, examples, said, grade, tell)
    loss = _loss(liked or wanted)
    if spec.metric is Metric.LOSS:  # it counts tokens, and so must its interval
        low, high = bootstrap(values, weights=[max(each.tokens, 1) for each in liked or wanted])
    else:
        low, high = bootstrap(values, scale=UNIT)
    score = loss if spec.metric is Metric.LOSS else mean(values)
    return Measured(
        metric=spec.metric,
        score=score,
        low=low,
        high=high,
        items=len(examples),
        loss=loss,
        answers=said,
        values=values,
    )


def _preferences(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    wanted: Sequence[Likelihood],
    *,
    max_length: int,
    between: Callable[[], None],
) -> list[float]:
    """By example, how often the wanted answer is likelier than an unwanted one."""
    if examples[0].liked is not None:
        return _ranked(examples, wanted)
    pairs = [(example, example.rejected or "") for example in examples]
    unwanted = likelihoods(model, tokenizer, pairs, max_length=max_length, between=between)
    return [_preferred(good, bad) for good, bad in zip(wanted, unwanted, strict=True)]


def graded(
    spec: EvalSpec,
    examples: Sequence[Example],
    said: Sequence[str],
    grade: Grade | None,
    tell: Tell = lambda troubles: None,
) -> list[float]:
    """Generated answers by the recipe's metric, 0..1 each; `tell` hears of those that could not be scored."""
    if spec.metric in GRADED:
        if grade is None:
            raise ValueError(f"{spec.metric} needs a grader")
        return grade(examples, said)
    wanted = [example.completion for example in examples]
    checks = Checks(_scorer(spec), LIMIT_S)
    values = checks(wanted, said, wanted)
    if checks.troubles.any:
        tell(checks.troubles)
    return values


def _scorer(spec: EvalSpec) -> Callable[[str, str], float]:
    """(answer, wanted) -> 0..1 by the recipe's metric."""
    if spec.metric is Metric.REGEX:
        return lambda answer, wanted: scorers.regex(answer, spec.pattern or "")
    return SCORES[spec.metric]


def _preferred(good: Likelihood, bad: Likelihood) -> float:
    """1 when the chosen answer is likelier as a whole (summed log-probability), half for a tie."""
    return 0.5 if good.log_prob == bad.log_prob else float(good.log_prob > bad.log_prob)


def _ranked(examples: Sequence[Example], scored: Sequence[Likelihood]) -> list[float]:
    """For each liked answer, the share of disliked ones that it is likelier than (per token).

    It is compared with those to its own question where there are any, else with all: the mean is then the area under
    the ROC curve. InputError when one of the kinds is missing.
    """
    refuse_one_verdict(examples)
    judged = [(e, each.log_prob / max(each.tokens, 1)) for e, each in zip(examples, scored, strict=True)]
    bad = [(e.prompt, value) for e, value in judged if not e.liked]
    values = []
    for value, prompt in ((value, e.prompt) for e, value in judged if e.liked):
        others = [other for asked, other in bad if asked == prompt] or [other for _, other in bad]
        values.append(sum((value > other) + 0.5 * (value == other) for other in others) / len(others))
    return values


def refuse_one_verdict(examples: Sequence[Example]) -> None:
    """InputError when held-out answers are all liked, or all disliked: then nothing can be ranked."""
    liked = sum(bool(example.liked) for example in examples)
    if not 0 < liked < len(examples):
        raise InputError("training.one_verdict_held_out", liked=liked, disliked=len(examples) - liked)


def _loss(scored: Sequence[Likelihood]) -> float:
    """Nats per trained token over all answers."""
    return -sum(each.log_prob for each in scored) / max(sum(each.tokens for each in scored), 1)
