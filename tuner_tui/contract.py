"""What `--json` prints is what DESIGN.md 4.2 promises, key by key; whatever else is known needs `--details`."""

from __future__ import annotations

from typing import Any

import msgspec

Shape = dict[str, Any]


def _keys(*names: str, **inner: Shape) -> Shape:
    """A shape of these keys, taken as they are, and of keys whose values have shapes of their own."""
    return {**dict.fromkeys(names), **inner}


ADVICE = _keys(
    "label",
    "approach",
    "objectives",
    "technique",
    "confidence",
    "plan",
    reasons=_keys("rule", "text", "source", "evidence"),
    warnings=_keys("id", "text"),
    ranking=_keys("label", "verdict", "score", "memory_gb", "hours", "rules"),
    flips=_keys("change", "label"),
)
ESTIMATE = _keys("id", "peak_gb", "allocated_gb", "parts", "step_s", "tokens_per_s", "assumptions")
LANE = _keys(
    "label",
    "metric",
    "score",
    "low",
    "high",
    "tokens_per_request",
    "cost_per_1k",
    "peak_gb",
    latency_ms=_keys("p50", "p95"),
)
EVALUATED = _keys("run", "items", before=LANE, after=LANE)
COMPARED = _keys(
    "items",
    lanes=LANE,
    verdict=_keys("label", "goal_met", "agrees_with_advice", "text"),
)
JOURNEY = _keys("before", "after", "run", "exports", "seconds", advice=ADVICE)


def promised(document: Any, shape: Shape, *, details: bool = False) -> Any:
    """The document as plain data with the promised keys only, in the contract's order; all of it with `details`."""
    plain = msgspec.to_builtins(document)
    return plain if details else _only(plain, shape)


def _only(value: Any, shape: Shape | None) -> Any:
    if shape is None or value is None:
        return value
    if isinstance(value, list):
        return [_only(item, shape) for item in value]
    return {key: _only(value[key], inner) for key, inner in shape.items()}
