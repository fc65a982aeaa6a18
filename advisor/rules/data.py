"""Data: how many examples of which kind carry which objective; none at all rules it out and says what to collect."""

from __future__ import annotations

from advisor.candidates import FEW, LABELLED, PLAIN_LABELLED, PROMPTS, REFUSAL, plans
from advisor.case import Case, may_reach, reaches, some
from advisor.facts import Goal, Kind, Tried
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import (
    ALPACA,
    AZURE,
    BALAGUER,
    BRIEF_KINDS,
    BUCHER,
    LIMA,
    OPENAI_ACCURACY,
    OPENAI_BEST,
    OPENAI_SFT,
    SAFETY_TUNED,
    VOICE,
)

FLOOR, SMALL, PILOT, ENOUGH = 10, 50, 100, 200


@rule("DAT001", reads=("data.instruction_pairs",), sources=(OPENAI_SFT,), figures={"pilot": SMALL, "good": 1000})
def no_pairs(c: Case) -> Outcome | None:
    """Supervised training needs (input, answer) pairs, and there are none."""
    return None if some(c.pairs) else veto(LABELLED)


@rule("DAT002", reads=("data.instruction_pairs",), sources=(OPENAI_SFT,), figures={"floor": FLOOR, "pilot": SMALL})
def hardly_any_pairs(c: Case) -> Outcome | None:
    """Fewer pairs than the smallest training run accepts."""
    return veto(LABELLED, (FEW, 10), pairs=c.pairs) if c.pairs is not None and 0 < c.pairs < FLOOR else None


@rule(
    "DAT003",
    reads=("data.instruction_pairs",),
    sources=(OPENAI_SFT,),
    status=Status.JUDGEMENT,
    figures={"floor": FLOOR, "pilot": SMALL},
)
def few_pairs(c: Case) -> Outcome | None:
    """So few pairs serve better as examples in the prompt."""
    few = c.pairs is not None and FLOOR <= c.pairs < SMALL
    return vote((FEW, 16), (LABELLED, -26), pairs=c.pairs) if few else None


@rule("DAT004", reads=("data.instruction_pairs",), sources=(OPENAI_SFT,), figures={"low": SMALL, "high": PILOT})
def pairs_for_a_pilot(c: Case) -> Outcome | None:
    """Enough for a small trial run; if it gains nothing, mend data or task, not volume."""
    pilot = c.pairs is not None and SMALL <= c.pairs < PILOT
    return vote((LABELLED, -8), (FEW, 4), pairs=c.pairs) if pilot else None


@rule(
    "DAT005",
    reads=("goals", "data.instruction_pairs", "history.prompting"),
    sources=(OPENAI_ACCURACY, AZURE),
    figures={"before": 62, "few_shot": 70, "after": 87, "pairs": 1000},
)
def behaviour_with_pairs_after_prompting(c: Case) -> Outcome | None:
    """The wanted behaviour did not come by prompting, and examples of it are at hand."""
    spent = c.prompting == Tried.INSUFFICIENT
    return vote((PLAIN_LABELLED, 34)) if spent and c.wants and may_reach(c.pairs, SMALL) else None


@rule(
    "DAT006",
    reads=("goals", "data.instruction_pairs", "history.prompting"),
    sources=(BUCHER, AZURE),
    figures={"least": ENOUGH},
)
def behaviour_with_pairs_unmeasured(c: Case) -> Outcome | None:
    """Examples of the wanted behaviour are at hand; what prompting reaches is not known yet."""
    open_ = c.prompting in (None, Tried.UNTRIED)
    return vote((PLAIN_LABELLED, 22)) if open_ and c.wants and may_reach(c.pairs, ENOUGH) else None


@rule(
    "DAT007",
    reads=("model.kind", "data.instruction_pairs"),
    sources=(LIMA, ALPACA),
    figures={"pairs": 1000, "params_b": 65},
)
def base_model_with_pairs(c: Case) -> Outcome | None:
    """A base model does not follow instructions yet; a thousand varied examples teach it."""
    if c.kind != Kind.BASE or not may_reach(c.pairs, PILOT):
        return None
    return vote((PLAIN_LABELLED, 12), (PROMPTS, -10))


@rule("DAT008", reads=("goals",), sources=(BRIEF_KINDS, VOICE), figures={"low": 0.5, "high": 1.5})
def purpose_is_style(c: Case) -> Outcome | None:
    """Only manner is asked for: train and score it as style."""
    return vote((_STYLE, 6)) if Goal.STYLE in c.goals and c.goals <= {Goal.STYLE, Goal.COST_LATENCY} else None


@rule("DAT009", reads=("goals", "knowledge.needs_citations"), sources=(BRIEF_KINDS, BALAGUER), figures={"gain": 6})
def purpose_is_domain_questions(c: Case) -> Outcome | None:
    """Questions about a domain are to be answered: train and score it as domain QA."""
    mixed = c.wants_goal(Goal.TASK_SKILL, Goal.STYLE, Goal.FORMAT, Goal.INSTRUCTION_FOLLOWING)
    return vote((_DOMAIN_QA, 5)) if c.knowledge_gap and not mixed else None


@rule("DAT010", reads=("goals",), sources=(SAFETY_TUNED,), figures={"share": 3})
def purpose_is_refusal(c: Case) -> Outcome | None:
    """Declining is part of the goal: a little refusal data mixed into the rest, or on its own when it is all."""
    if Goal.REFUSAL not in c.goals:
        return None
    return vote((_REFUSAL_ALONE, 8)) if c.goals == {Goal.REFUSAL} else vote((_REFUSAL_MIXED, 8), (_REFUSAL_ALONE, -4))


@rule(
    "DAT012",
    reads=("goals", "knowledge.needs_citations"),
    sources=(BRIEF_KINDS, OPENAI_BEST),
    status=Status.JUDGEMENT,
    figures={"data": 60, "wanted": 5},
)
def purpose_not_asked_for(c: Case) -> Outcome | None:
    """A special purpose (style, domain questions, refusal) is named only where it is what is asked for."""
    purposes = ((_STYLE, -6, Goal.STYLE in c.goals), (_DOMAIN_QA, -6, c.knowledge_gap))
    votes = [(target, points) for target, points, asked in purposes if not asked]
    if Goal.REFUSAL not in c.goals:
        votes.append((REFUSAL, -30))
    return vote(*votes) if votes else None


@rule("DAT011", reads=("data.instruction_pairs", "goals"), sources=(BUCHER,), figures={"low": 200, "high": 500})
def narrow_task_with_labels(c: Case) -> Outcome | None:
    """A few hundred labels let a small tuned model beat a large prompted one on a narrow task."""
    return vote((PLAIN_LABELLED, 4)) if Goal.TASK_SKILL in c.goals and reaches(c.pairs, ENOUGH) else None


_STYLE = plans("style")
_DOMAIN_QA = plans("domain_qa", "domain_qa+refusal", "cpt>domain_qa")
_REFUSAL_ALONE = plans("refusal")
_REFUSAL_MIXED = plans("sft+refusal", "domain_qa+refusal", "sft+refusal>dpo")
