"""Lanes as a comparison measures them, for tests of what is made of the numbers."""

from __future__ import annotations

from advisor.recipe import Metric
from tuner_tui.evaluation.bakeoff import Measurement
from tuner_tui.evaluation.lanes import Lane


def lane(label: Lane, values: list[float]) -> Measurement:
    """A lane with one score a question, and an interval as wide as can be."""
    return Measurement(
        label=label,
        metric=Metric.EXACT_MATCH,
        score=sum(values) / len(values),
        low=0.0,
        high=1.0,
        latency_ms={"p50": 1.0, "p95": 2.0},
        tokens_per_request=3.0,
        cost_per_1k=None,
        peak_gb=None,
        shots=None,
        groups={},
        values=values,
        answers=["a"] * len(values),
    )
