"""Order of work: measure first, take the simplest thing that reaches the goal, do not train what already works."""

from __future__ import annotations

from advisor.candidates import (
    DISTILL,
    FEW,
    FT,
    GRPO,
    KTO,
    LABELLED,
    PAIRED,
    PPO,
    PROMPTS,
    RAG,
    RAG_FT,
    RETRIEVES,
    SECOND_STAGE,
    SFT_ONLY,
    THIRD_STAGE,
    TUNES,
    ZERO,
    Target,
)
from advisor.case import KNOWLEDGE_GOALS, Case, some
from advisor.facts import Goal, Kind, Tried
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import (
    ALPACA,
    AZURE,
    LIMA,
    MANY_SHOT,
    MEDPROMPT,
    MS_LESSON,
    OPENAI_ACCURACY,
    OPENAI_SFT,
    OPENAI_STRUCTURED,
)


@rule("ORD001", reads=(), sources=(MS_LESSON, AZURE), figures={"stage_cost": 3})
def simplest_first(c: Case) -> Outcome | None:
    """Every answer costs effort; more machinery must be paid for by other rules' reasons."""
    return vote(
        (FEW, 3), (ZERO, 6), (RAG, 2), (FT, -6), (RAG_FT, -12), (SECOND_STAGE, -5), (THIRD_STAGE, -3), (PPO, -9)
    )


@rule(
    "ORD002",
    reads=("history.prompting",),
    sources=(OPENAI_SFT, MS_LESSON, OPENAI_ACCURACY),
    figures={"plain": 62, "few_shot": 70},
)
def prompting_not_measured(c: Case) -> Outcome | None:
    """Nobody has shown yet that prompting falls short."""
    if c.prompting == Tried.UNTRIED:
        return vote((FEW, 8), (ZERO, 4))
    return vote((FEW, 2)) if c.prompting is None else None


@rule("ORD003", reads=("history.prompting",), sources=(OPENAI_SFT, MEDPROMPT), figures={"fewer_errors": 27})
def prompting_works(c: Case) -> Outcome | None:
    """Do not train: what is wanted is already there."""
    return vote((PROMPTS, 40), (TUNES, -40)) if c.prompting == Tried.WORKS else None


@rule(
    "ORD004",
    reads=("history.prompting",),
    sources=(OPENAI_ACCURACY,),
    figures={"few_shot": 70, "after": 87, "pairs": 1000},
)
def prompting_fell_short(c: Case) -> Outcome | None:
    """Measured prompting did not reach the goal: the plain prompt is spent, and examples in it may add little."""
    return veto(ZERO, (FEW, -18)) if c.prompting == Tried.INSUFFICIENT else None


@rule(
    "ORD005",
    reads=("data.instruction_pairs",),
    sources=(OPENAI_SFT, OPENAI_ACCURACY),
    figures={"plain": 62, "few_shot": 70},
)
def examples_for_the_prompt(c: Case) -> Outcome | None:
    """Examples at hand can be shown in the prompt."""
    return vote((FEW, 8)) if some(c.pairs) else None


@rule(
    "ORD006",
    reads=(
        "data.instruction_pairs",
        "knowledge.fits_in_context",
        "knowledge.needs_citations",
        "history.prompting",
        "goals",
    ),
    sources=(MANY_SHOT,),
    figures={"most": 2000},
)
def examples_fit_the_window(c: Case) -> Outcome | None:
    """Many-shot prompting keeps gaining up to hundreds or thousands of examples, at the price of tokens per call."""
    if not c.knowledge.fits_in_context or c.knowledge_gap or not some(c.pairs) or Goal.COST_LATENCY in c.goals:
        return None
    measured = c.prompting in (Tried.INSUFFICIENT, Tried.WORKS_BUT_COSTLY)
    return None if measured or (c.pairs or 0) > 2000 else vote((FEW, 18))


@rule("ORD007", reads=("history.sft",), sources=(OPENAI_SFT,), figures={"trial": 50, "most": 100})
def tuning_fell_short(c: Case) -> Outcome | None:
    """Supervised tuning was measured and did not reach the goal: more of the same is not the answer."""
    return vote((SFT_ONLY, -16)) if c.sft == Tried.INSUFFICIENT else None


@rule("ORD008", reads=("history.sft",), sources=(OPENAI_SFT, OPENAI_ACCURACY), figures={"before": 87, "after": 83})
def tuning_works(c: Case) -> Outcome | None:
    """A supervised model that works is the one to keep."""
    return vote((SFT_ONLY, 20)) if c.sft == Tried.WORKS else None


@rule(
    "ORD009",
    reads=("goals", "history.prompting"),
    sources=(OPENAI_STRUCTURED,),
    figures={"valid": 100, "prompted": 40},
)
def only_form_is_wrong(c: Case) -> Outcome | None:
    """Only the form of the output is asked for: the decoder can enforce a schema without training."""
    only_form = Goal.FORMAT in c.goals and c.goals <= {Goal.FORMAT, Goal.COST_LATENCY}
    return vote((ZERO, 10), (FEW, 8), (TUNES, -8)) if only_form and c.prompting != Tried.INSUFFICIENT else None


@rule("ORD010", reads=("model.kind",), sources=(LIMA, ALPACA), figures={"pairs": 1000, "params_b": 65})
def base_model_needs_examples(c: Case) -> Outcome | None:
    """A base model continues text: without examples in the prompt or training it does not answer."""
    return vote((ZERO, -8)) if c.kind == Kind.BASE else None


@rule("ORD011", reads=("goals",), sources=(MS_LESSON, OPENAI_ACCURACY), status=Status.JUDGEMENT, figures={"points": 6})
def goals_pull_in_different_directions(c: Case) -> Outcome | None:
    """The goals ask for different levers: the one that the first goal asks for weighs most, the second half of it."""
    levers = [_lever(goal) for goal in c.facts.goals]
    if len({id(lever) for lever in levers}) < 2:
        return None
    first = levers[0]
    second = next(lever for lever in levers if lever is not first)
    return vote((first, 6), (second, 3), first=c.facts.goals[0])


_PREFERS: Target = tuple(sorted({*PAIRED, *KTO, *PPO}))
_REASONS: Target = tuple(sorted({*GRPO, *DISTILL}))
_ANSWERS: Target = tuple(sorted({*LABELLED, *DISTILL}))


def _lever(goal: Goal) -> Target:
    """What a goal pulls toward: looking up, preferences, rewards or traces, weights for price, answers for the rest."""
    if goal in KNOWLEDGE_GOALS:
        return RETRIEVES
    return _LEVERS.get(goal, _ANSWERS)


_LEVERS: dict[Goal, Target] = {
    Goal.PREFERENCE_ALIGNMENT: _PREFERS,
    Goal.REASONING: _REASONS,
    Goal.COST_LATENCY: TUNES,
}
