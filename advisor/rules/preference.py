"""Preferences: which of the preference objectives the feedback at hand can carry, and what must come before it."""

from __future__ import annotations

from advisor.candidates import CHAINED_PREFERENCE, HELD_ALONE, KTO, PAIRED, PPO, TUNES, Target, but, plans
from advisor.case import Case, may_reach, reaches, some
from advisor.facts import Goal, Kind, Tried
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import DPO_PPO, INSTRUCT_GPT, KTO_PAPER, ORPO_PAPER, TRL_DPO, TRL_KTO, TRL_ORPO, ZEPHYR

PILOT, CYCLE, RECIPE = 100, 1000, 30_000
_CLUSTER_GB = 16 * 80
_DPO_CHAIN = plans("sft>dpo", "sft+refusal>dpo", "cpt>sft>dpo")
_DPO_ALONE = plans("dpo")
_ORPO = plans("orpo")
_KTO_ALONE = plans("kto")
_KTO_CHAIN = plans("sft>kto")
_PPO_CHAIN = plans("sft>rlhf_ppo")
_SHAPED = (Goal.STYLE, Goal.INSTRUCTION_FOLLOWING, Goal.REFUSAL)
_ALONE = but(HELD_ALONE, plans("kto"))
_DIRECT = PAIRED
_CHAINED = CHAINED_PREFERENCE


@rule("PRF001", reads=("data.preference_pairs",), sources=(ZEPHYR,), figures={"pilot": PILOT, "cycle": CYCLE})
def no_preference_pairs(c: Case) -> Outcome | None:
    """Preference training needs (chosen, rejected) pairs, and there are none."""
    return None if some(c.prefs) else veto((*PAIRED, *PPO))


@rule(
    "PRF002",
    reads=("data.preference_pairs", "data.binary_feedback"),
    sources=(KTO_PAPER, TRL_KTO),
    figures={"least": PILOT, "low_b": 1, "high_b": 30},
)
def no_feedback(c: Case) -> Outcome | None:
    """KTO needs answers marked good or bad, and there are none."""
    return None if some(c.binary) or some(c.prefs) else veto(KTO)


@rule(
    "PRF003",
    reads=("data.preference_pairs", "data.binary_feedback"),
    sources=(ZEPHYR,),
    status=Status.JUDGEMENT,
    figures={"pilot": PILOT, "cycle": CYCLE},
)
def few_preference_pairs(c: Case) -> Outcome | None:
    """So few preference pairs move nothing reliably."""
    if c.prefs is None or not 0 < c.prefs < PILOT:
        return None
    marks_from_pairs = () if some(c.binary) else ((KTO, -30),)
    return vote((PAIRED, -30), (PPO, -30), *marks_from_pairs, prefs=c.prefs)


@rule(
    "PRF004",
    reads=("goals", "data.preference_pairs", "model.kind", "history.sft"),
    sources=(ZEPHYR,),
    figures={"pairs": "60,000", "with": 7.34, "without": 4.76},
)
def preferences_at_hand(c: Case) -> Outcome | None:
    """People's choices between answers are at hand, and choosing well is (part of) the goal."""
    if not may_reach(c.prefs, PILOT):
        return None
    if Goal.PREFERENCE_ALIGNMENT in c.goals:
        return vote((_DIRECT, 34), (_CHAINED, 6)) if c.kind == Kind.BASE else vote((_DIRECT, 34))
    chain = 9 if c.sft == Tried.INSUFFICIENT else 4
    return vote((_DPO_CHAIN, chain), (_ORPO, 4), (_DPO_ALONE, 6)) if c.wants_goal(*_SHAPED) else None


@rule(
    "PRF005",
    reads=("data.preference_pairs", "data.binary_feedback", "model.kind"),
    sources=(ZEPHYR, KTO_PAPER),
    figures={"with": 7.34, "without": 4.76},
)
def base_needs_sft_first(c: Case) -> Outcome | None:
    """A base model never gets DPO or RL alone: supervised training first, or ORPO; KTO has done without."""
    if c.kind != Kind.BASE or not (some(c.prefs) or some(c.binary)):
        return None
    return vote((_ALONE, -40), (_KTO_ALONE, -20))


@rule(
    "PRF006",
    reads=("data.preference_pairs", "data.instruction_pairs", "model.kind"),
    sources=(ORPO_PAPER, TRL_ORPO),
    figures={"low_m": 125, "high_b": 7},
)
def one_stage_from_base(c: Case) -> Outcome | None:
    """Only preference pairs, on a base model: ORPO learns answers and preference in one stage, no reference model."""
    if c.kind == Kind.INSTRUCT or not some(c.prefs):
        return None
    return vote((_ORPO, 6)) if not some(c.pairs) else None


@rule(
    "PRF007",
    reads=("data.preference_pairs", "model.kind"),
    sources=(ZEPHYR, TRL_DPO),
    figures={"with": 7.34, "without": 4.76},
)
def instruct_model_takes_dpo(c: Case) -> Outcome | None:
    """An instruct model has had its supervised stage: DPO can start from it."""
    return vote((_DPO_ALONE, 6)) if c.kind == Kind.INSTRUCT and some(c.prefs) else None


@rule(
    "PRF008",
    reads=("goals", "data.binary_feedback", "data.preference_pairs", "history.sft"),
    sources=(KTO_PAPER, TRL_KTO),
    figures={"least": PILOT, "low": "1:1", "high": "4:3"},
)
def thumbs_at_hand(c: Case) -> Outcome | None:
    """Only thumbs up or down were collected: KTO learns from them without pairs."""
    if not may_reach(c.binary, PILOT) or reaches(c.prefs, PILOT):
        return None
    wanted = Goal.PREFERENCE_ALIGNMENT in c.goals
    if wanted:
        return vote((KTO, 34))
    chain = 9 if c.sft == Tried.INSUFFICIENT else 4
    return vote((_KTO_ALONE, 12), (_KTO_CHAIN, chain)) if c.wants_goal(*_SHAPED) else None


@rule(
    "PRF013",
    reads=("data.binary_feedback", "data.preference_pairs"),
    sources=(TRL_KTO, KTO_PAPER),
    status=Status.JUDGEMENT,
    figures={"least": PILOT},
)
def few_marks(c: Case) -> Outcome | None:
    """So few answers marked good or bad move nothing reliably."""
    few = c.binary is not None and 0 < c.binary < PILOT and not may_reach(c.prefs, PILOT)
    return vote((KTO, -30), marks=c.binary) if few else None


@rule(
    "PRF009",
    reads=("data.binary_feedback", "data.preference_pairs"),
    sources=(KTO_PAPER, TRL_KTO, DPO_PPO),
    figures={"gain": 8},
)
def pairs_beat_thumbs(c: Case) -> Outcome | None:
    """Real pairs say more than marks on single answers."""
    return vote((KTO, -14)) if some(c.prefs) else None


@rule(
    "PRF010",
    reads=("goals", "data.preference_pairs", "data.unlabeled_inputs", "hardware.gpus"),
    sources=(DPO_PPO, INSTRUCT_GPT),
    figures={"ranked": "33,000", "prompts": "31,000", "maths": 2.5, "elsewhere": 1.2, "gpus": 16, "gb": 80},
)
def cluster_and_many_preferences(c: Case) -> Outcome | None:
    """Many ranked answers, many fresh prompts and a cluster: RL against a reward model buys the last points."""
    big = c.gpus is not None and sum(gpu.vram_gb or 0 for gpu in c.gpus) >= _CLUSTER_GB
    ready = reaches(c.prefs, RECIPE) and reaches(c.unlabeled, 10_000) and Goal.PREFERENCE_ALIGNMENT in c.goals
    return vote((PPO, 54)) if big and ready else None


@rule(
    "PRF011",
    reads=("goals", "data.preference_pairs", "data.binary_feedback"),
    sources=(DPO_PPO, INSTRUCT_GPT),
    figures={"pilot": PILOT, "ranked": "33,000"},
)
def alignment_without_feedback(c: Case) -> Outcome | None:
    """Preference is the goal, and nobody's preferences were collected."""
    missing = not some(c.prefs) and not some(c.binary)
    return vote((TUNES, -8)) if Goal.PREFERENCE_ALIGNMENT in c.goals and missing else None


@rule(
    "PRF012",
    reads=("goals", "data.preference_pairs", "data.binary_feedback"),
    sources=(ZEPHYR, DPO_PPO),
    figures={"gain": 8},
)
def preferences_are_not_the_goal(c: Case) -> Outcome | None:
    """Preferences were collected, and neither taste nor manner is what is asked for: they answer another question."""
    asked = not c.goals or c.wants_goal(Goal.PREFERENCE_ALIGNMENT, *_SHAPED)
    return None if asked or not (some(c.prefs) or some(c.binary)) else vote((_FROM_FEEDBACK, -30))


_FROM_FEEDBACK: Target = (*PAIRED, *KTO, *PPO)
