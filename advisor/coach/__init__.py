"""The coach judges what a run has told so far: pure rules over telemetry, each once, in one explicit order."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import msgspec

from advisor.coach import learning, machine, numbers, rewards
from advisor.coach.rule import CoachRule
from advisor.coach.telemetry import Answer, Load, Telemetry

_MODULES: tuple[ModuleType, ...] = (numbers, learning, rewards, machine)

RULES: tuple[CoachRule, ...] = tuple(
    {value.id: value for module in _MODULES for value in vars(module).values() if isinstance(value, CoachRule)}.values()
)
BY_ID: dict[str, CoachRule] = {rule.id: rule for rule in RULES}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule found, with its evidence. `step` is where the run stood; words: `coach.ID.text`."""

    id: str
    step: int
    evidence: dict[str, Any]
    action: str | None = None


def judge(telemetry: Telemetry) -> list[Finding]:
    """Everything that is wrong with a run so far, in the order of the rules."""
    found = ((rule, rule.check(telemetry)) for rule in RULES)
    return [
        Finding(id=rule.id, step=telemetry.step, evidence=evidence, action=rule.action)
        for rule, evidence in found
        if evidence is not None
    ]


__all__ = ["BY_ID", "RULES", "Answer", "CoachRule", "Finding", "Load", "Telemetry", "judge"]
