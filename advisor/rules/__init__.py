"""The registry: every rule once, in one explicit order. Ids are never reused."""

from __future__ import annotations

from types import ModuleType

from advisor.rules import access, corpus, cost, data, fit, knowledge, order, preference, reasoning, safety, technique
from advisor.rules.rule import Outcome, Rule, Status

_MODULES: tuple[ModuleType, ...] = (
    order,
    access,
    fit,
    knowledge,
    data,
    technique,
    corpus,
    preference,
    safety,
    reasoning,
    cost,
)


def _collect() -> tuple[Rule, ...]:
    found = [value for module in _MODULES for value in vars(module).values() if isinstance(value, Rule)]
    return tuple(found)


RULES: tuple[Rule, ...] = _collect()
BY_ID: dict[str, Rule] = {rule.id: rule for rule in RULES}
assert len(BY_ID) == len(RULES), "a rule id is used twice"

__all__ = ["BY_ID", "RULES", "Outcome", "Rule", "Status"]
