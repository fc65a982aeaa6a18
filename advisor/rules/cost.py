"""Cost: volume, latency and several tasks are what a small tuned model is for; a one-off is not."""

from __future__ import annotations

from advisor.candidates import DISTILL, FEW, FULL, LORA, PLAIN_LABELLED, PREFIX, PROMPT, QLORA, RAG, TUNES, ZERO, plans
from advisor.case import Case, may_reach, some
from advisor.facts import Goal, Tried
from advisor.rules.rule import Outcome, Status, rule, vote
from advisor.rules.sources import AIRTRAIN, LORA_LAND, MERCARI, MS_LESSON, PEFT_RESULTS, STEP_BY_STEP

DAY = 24
_DISTILL_ONLY = plans("distill")


@rule(
    "CST001",
    reads=("goals", "history.teacher"),
    sources=(STEP_BY_STEP,),
    figures={"small": "770M", "large": "540B", "share": 80},
)
def teacher_for_a_cheaper_model(c: Case) -> Outcome | None:
    """The answers are good but dear or slow: a small model learns them from the large one."""
    return vote((_DISTILL_ONLY, 40)) if c.teacher and Goal.COST_LATENCY in c.goals else None


@rule(
    "CST002",
    reads=("goals", "history.prompting", "data.instruction_pairs"),
    sources=(MERCARI, STEP_BY_STEP),
    figures={"small_b": 2, "times": 14},
)
def works_but_costs_too_much(c: Case) -> Outcome | None:
    """Prompting reaches the quality at too high a price: move the behaviour into a small model's weights."""
    if c.prompting != Tried.WORKS_BUT_COSTLY:
        return None
    labelled = ((PLAIN_LABELLED, 30),) if may_reach(c.pairs, 50) else ()
    return vote((ZERO, -18), (FEW, -18), *labelled)


@rule(
    "CST003",
    reads=("constraints.latency",),
    sources=(MERCARI, STEP_BY_STEP),
    status=Status.PRACTICE,
    figures={"smaller": 95},
)
def answers_must_be_quick(c: Case) -> Outcome | None:
    """Long prompts and look-ups take time on every call."""
    return vote((FEW, -8), (RAG, -4), (TUNES, 2)) if c.strict else None


@rule("CST004", reads=("goals",), sources=(MERCARI, STEP_BY_STEP), figures={"times": 14})
def cost_is_a_goal(c: Case) -> Outcome | None:
    """Examples in the prompt are paid for on every call."""
    return vote((FEW, -8)) if Goal.COST_LATENCY in c.goals else None


@rule(
    "CST005",
    reads=("constraints.n_tasks",),
    sources=(LORA_LAND,),
    figures={"adapters": 25, "gb": 80},
)
def many_tasks_one_base(c: Case) -> Outcome | None:
    """Several tasks share one base model: adapters, never a full copy each."""
    many = c.tasks is not None and c.tasks > 1
    return vote((FULL, -16), (LORA, 4), (QLORA, 2), tasks=c.tasks) if many else None


@rule(
    "CST006",
    reads=("constraints.n_tasks", "model.params_b"),
    sources=(PEFT_RESULTS,),
    figures={"tasks": 100, "params_b": 10},
)
def hundreds_of_tasks_large_model(c: Case) -> Outcome | None:
    """Hundreds of tasks on one very large frozen model: a prompt vector for each is the smallest thing to keep."""
    many = c.tasks is not None and c.tasks >= 100 and c.params_b is not None and c.params_b >= 10
    return vote((PROMPT, 56), tasks=c.tasks, size=c.params_b) if many else None


@rule(
    "CST007",
    reads=("constraints.n_tasks", "model.params_b", "data.instruction_pairs"),
    sources=(PEFT_RESULTS,),
    figures={"tasks": 100, "params_b": 10, "pairs": 1000, "share": 0.1},
)
def hundreds_of_small_tasks(c: Case) -> Outcome | None:
    """Hundreds of tasks with little data each on a mid-sized model: a prefix is a thousandth of its weights."""
    many = c.tasks is not None and c.tasks >= 100 and c.params_b is not None and c.params_b < 10
    little = c.pairs is not None and 0 < c.pairs < 1000
    return vote((PREFIX, 44), tasks=c.tasks) if many and little else None


@rule(
    "CST008",
    reads=("history.teacher", "goals", "data.instruction_pairs", "data.unlabeled_inputs"),
    sources=(STEP_BY_STEP,),
    figures={"share": 80},
)
def teacher_can_label(c: Case) -> Outcome | None:
    """No answers were written, but a teacher may write them, best on your own inputs."""
    if not c.teacher or may_reach(c.pairs, 50) or not c.wants:
        return None
    return vote((DISTILL, 20 if some(c.unlabeled) else 10))


@rule(
    "CST009",
    reads=("history.prompting", "history.teacher", "data.instruction_pairs"),
    sources=(STEP_BY_STEP, AIRTRAIN),
    status=Status.PRACTICE,
    figures={"saved": 94},
)
def costly_prompt_can_teach(c: Case) -> Outcome | None:
    """Prompting works at too high a price and no answers were kept: its own answers can be the teacher's."""
    costly = c.prompting == Tried.WORKS_BUT_COSTLY and c.teacher is None
    return vote((_DISTILL_ONLY, 46)) if costly and not may_reach(c.pairs, 50) else None


@rule(
    "CST010",
    reads=("constraints.deadline_h",),
    sources=(MS_LESSON,),
    status=Status.JUDGEMENT,
    figures={"least": DAY},
)
def no_time_to_train(c: Case) -> Outcome | None:
    """Less than a day is left: data work, a run and its evaluation do not fit in it safely."""
    hours = c.constraints.deadline_h
    return vote((TUNES, -22), (RAG, -4), hours=hours) if hours is not None and hours < DAY else None
