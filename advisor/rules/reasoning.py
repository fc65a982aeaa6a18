"""Reasoning: RL from checkable rewards, but only where the model sometimes succeeds; a teacher is cheaper."""

from __future__ import annotations

from advisor.candidates import DISTILL, FEW, GRPO, Target, plans
from advisor.case import Case, may_reach, reaches, some
from advisor.facts import Access, Goal
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import (
    IMITATION,
    MEDPROMPT,
    OPENAI_RFT,
    PREDIBASE_RFT,
    R1,
    STEP_BY_STEP,
    TENSOROPS,
    TINYZERO,
    TRACES,
)

LEAST, LABELS_FEW = 10, 100
_RL_FIRST: Target = plans("grpo")
_CHECKABLE = (Goal.REASONING, Goal.TASK_SKILL, Goal.FORMAT)


@rule("REA001", reads=("data.verifiable_rewards",), sources=(OPENAI_RFT, PREDIBASE_RFT), figures={"least": LEAST})
def nothing_checkable(c: Case) -> Outcome | None:
    """RL from checks needs prompts whose answers a program can check, and there are none."""
    return None if may_reach(c.verifiable, LEAST) else veto(GRPO, count=c.verifiable)


@rule(
    "REA002",
    reads=("goals", "data.verifiable_rewards", "data.instruction_pairs", "history.base_success"),
    sources=(OPENAI_RFT, TINYZERO),
    figures={"least": LEAST, "labels": LABELS_FEW},
)
def checkable_and_sometimes_right(c: Case) -> Outcome | None:
    """A program can check the answers, and the model gets some right: RL can amplify that."""
    scarce = c.pairs is not None and c.pairs < LABELS_FEW
    suited = Goal.REASONING in c.goals or (scarce and c.wants_goal(*_CHECKABLE))
    if not suited or not may_reach(c.verifiable, LEAST):
        return None
    return vote((GRPO, 36)) if c.success_some else vote((_RL_FIRST, 14))


@rule(
    "REA003",
    reads=("history.base_success",),
    sources=(TINYZERO, TENSOROPS),
    figures={"fails_b": 0.5, "works_b": 1.5, "probe": 50},
)
def never_right(c: Case) -> Outcome | None:
    """The model never succeeds, so no reward ever comes: RL has nothing to amplify."""
    return veto(_RL_FIRST) if c.success_zero else None


@rule(
    "REA004",
    reads=("data.verifiable_rewards", "data.instruction_pairs"),
    sources=(OPENAI_RFT, PREDIBASE_RFT),
    figures={"labels": 100},
)
def checks_but_few_labels(c: Case) -> Outcome | None:
    """Checks exist and labels are scarce: rewards replace the missing answers."""
    scarce = c.pairs is not None and c.pairs < 100
    return vote((_RL_FIRST, 10), (_WARM, -12)) if may_reach(c.verifiable, LEAST) and scarce else None


@rule(
    "REA005",
    reads=("goals", "history.teacher"),
    sources=(TRACES, R1),
    figures={"traces": 920, "large": "800,000"},
)
def teacher_can_reason(c: Case) -> Outcome | None:
    """A stronger reasoner may be copied: its worked answers teach faster than RL from nothing."""
    return vote((DISTILL, 28)) if c.teacher and Goal.REASONING in c.goals else None


@rule(
    "REA006",
    reads=("goals", "model.access", "data.instruction_pairs"),
    sources=(MEDPROMPT,),
    figures={"fewer_errors": 27},
)
def strong_model_behind_api(c: Case) -> Outcome | None:
    """A strong closed model, well prompted, is ahead of most specialist training."""
    hard = c.wants_goal(Goal.REASONING, Goal.TASK_SKILL, Goal.DOMAIN_LANGUAGE)
    return vote((FEW, 8)) if c.access == Access.API and hard else None


@rule(
    "REA007", reads=("model.params_b", "history.base_success"), sources=(TINYZERO, TENSOROPS), figures={"works_b": 1.5}
)
def small_model_rl(c: Case) -> Outcome | None:
    """Below the size at which RL was seen to work, and nobody has probed the model."""
    small = c.params_b is not None and c.params_b < 1.5 and not c.success_some
    return vote((_RL_FIRST, -24), params_b=c.params_b) if small else None


@rule(
    "REA011",
    reads=("goals", "data.verifiable_rewards"),
    sources=(OPENAI_RFT,),
    status=Status.PRACTICE,
    figures={"least": LEAST},
)
def checks_are_not_the_goal(c: Case) -> Outcome | None:
    """Answers can be checked, and neither reasoning nor a task with right answers is what is asked for."""
    asked = not c.goals or c.wants_goal(*_CHECKABLE)
    return None if asked or not may_reach(c.verifiable, LEAST) else vote((GRPO, -20))


@rule(
    "REA008", reads=("history.teacher",), sources=(STEP_BY_STEP, IMITATION), figures={"small": "770M", "large": "540B"}
)
def no_teacher(c: Case) -> Outcome | None:
    """There is no stronger model whose answers may be used, so there is nothing to distil."""
    return veto(DISTILL) if c.teacher is False else None


@rule(
    "REA009",
    reads=("history.teacher",),
    sources=(STEP_BY_STEP, IMITATION),
    status=Status.JUDGEMENT,
    figures={"small": "770M", "large": "540B"},
)
def teacher_unknown(c: Case) -> Outcome | None:
    """Whether a teacher's answers may be used is not known."""
    return vote((DISTILL, -30)) if c.teacher is None else None


@rule(
    "REA010",
    reads=("data.verifiable_rewards", "data.instruction_pairs", "history.base_success", "goals"),
    sources=(TRACES, R1),
    status=Status.PRACTICE,
    figures={"traces": 920},
)
def warm_start_for_rl(c: Case) -> Outcome | None:
    """Worked answers and checks together: supervised training first, RL after it."""
    ready = may_reach(c.verifiable, LEAST) and reaches(c.pairs, 100) and Goal.REASONING in c.goals
    return vote((_WARM, 4 if c.success_some else 1)) if ready and some(c.pairs) else None


_WARM = plans("sft>grpo")
