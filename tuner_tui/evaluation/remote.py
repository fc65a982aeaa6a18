"""An endpoint's lane asks the same prompts and is scored by the same code; only who answers differs.

A few requests are on their way at once; what they cost in all stays below the cap, and each answer keeps its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import EvalSpec
from tuner_tui.evaluation.endpoint import TIMEOUT_S, Answer, Endpoint, Rates
from tuner_tui.evaluation.example import Example, Message
from tuner_tui.evaluation.interval import UNIT, bootstrap, mean
from tuner_tui.evaluation.lanes import turns_of
from tuner_tui.evaluation.measure import GENERATED, Grade, Measured, graded
from tuner_tui.safe import clean

PARALLEL = 2


class Remote(msgspec.Struct, frozen=True, kw_only=True):
    """Which endpoint answers; `price` is US dollars per million tokens asked and answered, `cap` dollars in all.

    `parallel` is how many requests may be on their way at once, `timeout_s` the most seconds of one.
    """

    url: str
    model: str
    key_env: str | None = None
    price: tuple[float, float] | None = None
    cap: float | None = None
    cache: str | None = None
    parallel: int = PARALLEL
    timeout_s: float = TIMEOUT_S

    def endpoint(self) -> Endpoint:
        """Its client; InputError for an address or a key that cannot be."""
        rates = Rates(asked=self.price[0], answered=self.price[1], cap=self.cap) if self.price else None
        cache = Path(self.cache) if self.cache else None
        return Endpoint(self.url, self.model, key_env=self.key_env, cache=cache, rates=rates, timeout_s=self.timeout_s)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint answered, and what each answer took."""

    measured: Measured
    answers: list[Answer]

    def cost_per_1k(self, price: tuple[float, float] | None) -> float | None:
        """Dollars for a thousand such requests; None without a price."""
        if price is None:
            return None
        rates = Rates(asked=price[0], answered=price[1])
        return round(1000 * mean([rates.cost(each.asked, each.answered) for each in self.answers]), 6)

    def others(self, model: str) -> list[str]:
        """Models that say they answered and are not the one that was asked; a dated name of it is the same one."""
        said = {each.model for each in self.answers if each.model}
        return sorted(
            clean(name, 100) for name in said if not name.rpartition("/")[2].startswith(model.rpartition("/")[2])
        )

    def tokens(self) -> float:
        """Tokens of a request, asked and answered."""
        return round(mean([float(each.asked + each.answered) for each in self.answers]), 1)


def ask_many(
    endpoint: Endpoint, asked: Sequence[Sequence[Message]], heard: Callable[[int], None], parallel: int, **how: Any
) -> list[Answer]:
    """The answers in the order asked, at most `parallel` requests at once; `heard` counts them.

    The first error ends it: nothing more is sent, what is on its way still answers and is kept.
    """
    done, wrong = 0, list[BaseException]()

    def ask(turns: Sequence[Message]) -> Answer:
        try:
            return endpoint.answered(list(turns), **how)
        except BaseException as error:  # said here, where it happens: until another thread hears of it more are sent
            wrong.append(error)
            endpoint.end()
            raise

    with ThreadPoolExecutor(max_workers=parallel) as pool:
        waiting = [pool.submit(ask, turns) for turns in asked]
        try:
            for answer in as_completed(waiting):
                answer.result()
                done += 1
                heard(done)
        except BaseException as error:
            endpoint.end()
            pool.shutdown(cancel_futures=True)
            heard(sum(each.done() and not each.cancelled() and each.exception() is None for each in waiting))
            if error in wrong:
                raise wrong[0] from None
            raise
    return [each.result() for each in waiting]


def ask_all(
    endpoint: Endpoint,
    prompts: Sequence[Example],
    spec: EvalSpec,
    heard: Callable[[int], None] = lambda done: None,
    *,
    form: tuple[str, Any] | None = None,
    parallel: int = PARALLEL,
    grade: Grade | None = None,
) -> Asked:
    """Every prompt; what was answered before is not asked again. `heard` counts them.

    `form` is that of `constrain.form_of`: an endpoint is asked for a schema; a pattern it has no common way to keep.
    """
    if spec.metric not in GENERATED:
        raise InputError("compare.remote_metric", metric=spec.metric)
    if form is not None and form[0] != "schema":
        raise InputError("endpoint.form")
    asked, schema = [turns_of(example) for example in prompts], form[1] if form else None
    found = ask_many(endpoint, asked, heard, parallel, max_tokens=spec.max_new_tokens, schema=schema)
    said = [each.answer for each in found]
    values = graded(spec, prompts, said, grade)
    low, high = bootstrap(values, scale=UNIT)
    measured = Measured(
        metric=spec.metric,
        score=mean(values),
        low=low,
        high=high,
        items=len(values),
        loss=None,
        answers=said,
        values=values,
    )
    return Asked(measured=measured, answers=found)
