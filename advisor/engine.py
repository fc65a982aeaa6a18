"""Engine: the same facts always give the same advice, always one legal label, never one that was ruled out."""

from __future__ import annotations

from advisor import cautions, confidence, explain, plan_steps
from advisor import flips as flip_search
from advisor.advice import Advice
from advisor.candidates import LABELS
from advisor.case import Case
from advisor.facts import Facts
from advisor.tally import tally
from advisor.words import words


def recommend(facts: Facts, *, lang: str = "en", flips: bool = True) -> Advice:
    """The advice for these facts, in one language; `flips=False` skips the search for what would change it."""
    case = Case(facts)
    result = tally(case)
    label = LABELS[result.winner]
    say = words(lang)
    reasons = explain.reasons(case, result, say)
    ranking, named = explain.ranking(case, result, [reason.rule for reason in reasons])
    return Advice(
        label=str(label),
        approach=label.approach.value,
        objectives=[objective.value for objective in label.objectives],
        technique=label.technique.value if label.technique else None,
        confidence=confidence.of(case, result),
        plan=plan_steps.steps(case, label, say),
        reasons=reasons,
        warnings=cautions.warnings(case, result, say),
        ranking=ranking,
        flips=flip_search.search(case, result, say) if flips else [],
        against=explain.against(case, result, named, say),
    )
