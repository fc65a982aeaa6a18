"""Runs are compared only where the same held-out questions were scored by the same metric."""

from __future__ import annotations

from typing import Any, NamedTuple

from advisor.errors import InputError
from advisor.recipe import DataSpec, Metric, decode_recipe
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.safe import clean
from tuner_tui.widgets.score_panel import number, part

LOOKED_AT = 60


class Standing(NamedTuple):
    """One finished run on the questions of another."""

    id: str
    label: str
    metric: str
    model: str
    before: float
    after: float
    low: float | None
    high: float | None
    seconds: float | None
    success: bool


def standings(run: RunDir, runs: list[RunDir]) -> list[Standing]:
    """All finished runs on the same held-out questions as `run`, itself included, the best score first."""
    wanted = _questions(run)
    if wanted is None:
        return []
    found = [_standing(each) for each in runs[:LOOKED_AT] if _questions(each) == wanted]
    own = part(run.report() or {}, "after").get("metric")
    lower_is_better = own == Metric.LOSS.value
    kept = [each for each in found if each is not None and each.metric == own]
    return sorted(kept, key=lambda each: each.after if lower_is_better else -each.after)


def _questions(run: RunDir) -> tuple[Any, ...] | None:
    """What was asked and how it was scored: metric, pattern, questions at most, and the held-out rows."""
    try:
        recipe = decode_recipe(run.recipe_path.read_bytes(), run.id)
    except (InputError, OSError):
        return None
    scored, data = recipe.evaluation, recipe.data
    return scored.metric.value, scored.pattern, scored.max_items, _rows(data, recipe.seed)


def _rows(data: DataSpec, seed: int) -> tuple[Any, ...]:
    return (data.eval,) if data.eval else (data.train, data.eval_fraction, seed)


def _standing(run: RunDir) -> Standing | None:
    report = run.report()
    if report is None or state_of(run) is not RunState.FINISHED:
        return None
    before, after = part(report, "before"), part(report, "after")
    scores = number(before.get("score")), number(after.get("score"))
    if scores[0] is None or scores[1] is None:
        return None
    return Standing(
        id=run.id,
        label=clean(report.get("label") or "?", 60),
        metric=str(after.get("metric")),
        model=clean(report.get("model") or "?", 200).rstrip("/").rpartition("/")[2],
        before=scores[0],
        after=scores[1],
        low=number(after.get("low")),
        high=number(after.get("high")),
        seconds=number(report.get("seconds")),
        success=report.get("success") is True,
    )
