"""Safety: refusals are taught with a little data among the rest, and every tuning may loosen what was safe."""

from __future__ import annotations

from advisor.candidates import FULL, REFUSAL, RETRIEVES, TUNES, plans
from advisor.case import Case, may_reach
from advisor.facts import Goal, Kind, Tried
from advisor.rules.rule import Outcome, Status, rule, vote
from advisor.rules.sources import COMPROMISES, OPENAI_BEST, SAFETY_TUNED

_REFUSAL_ALONE = plans("refusal")
_REFUSAL_MIXED = plans("sft+refusal", "domain_qa+refusal", "sft+refusal>dpo")
_KEEPS_REFUSAL = (Goal.REFUSAL,)


@rule(
    "SAF001",
    reads=("goals", "data.instruction_pairs", "history.prompting"),
    sources=(SAFETY_TUNED,),
    figures={"share": 3, "rows": "100-500"},
)
def refusal_wanted(c: Case) -> Outcome | None:
    """Declining is part of the goal and examples are at hand: a few hundred safe replies teach it."""
    if Goal.REFUSAL not in c.goals or not may_reach(c.pairs, 50) or c.prompting == Tried.WORKS:
        return None
    return vote((REFUSAL, 10))


@rule("SAF002", reads=("model.kind",), sources=(COMPROMISES,), status=Status.ESTABLISHED, figures={"examples": 10})
def tuning_erodes_safety(c: Case) -> Outcome | None:
    """Even harmless tuning data loosens an aligned model's refusals, and moving all weights loosens them most."""
    return vote((TUNES, -1), (FULL, -2)) if c.kind == Kind.INSTRUCT else None


@rule("SAF003", reads=("goals",), sources=(OPENAI_BEST, SAFETY_TUNED), figures={"data": 60, "wanted": 5})
def refusal_is_all(c: Case) -> Outcome | None:
    """Only declining is asked for: looked-up documents do not teach it."""
    return vote((RETRIEVES, -10)) if c.goals == {Goal.REFUSAL} else None
