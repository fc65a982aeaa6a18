"""What training does besides what it is meant to do, and what its reward and its memory allow."""

from __future__ import annotations

from advisor.candidates import LABELS
from advisor.case import some
from advisor.cautions.caution import Params, Seen, caution, when
from advisor.explain import merit
from advisor.facts import Goal, Kind, Tried
from advisor.methods import Objective, Technique
from advisor.rules import RULES
from advisor.rules.sources import (
    COMPROMISES,
    FINGPT,
    FORGETS_LESS,
    LLAMA_FACTORY,
    OPENAI_BEST,
    OPENAI_RFT,
    QLORA_PAPER,
    SAFETY_TUNED,
    SCALING,
    TENSOROPS,
    TINYZERO,
    TORCH_FINETUNE,
    ZEPHYR,
)

_FITS = frozenset(at for at, rule in enumerate(RULES) if rule.id.startswith("FIT"))


@caution("insufficient_vram", LLAMA_FACTORY, TORCH_FINETUNE, QLORA_PAPER)
def memory_decides(s: Seen) -> Params:
    """Without the limit of memory the answer would be another."""
    if not s.case.local or s.case.params_b is None:
        return None
    merits = [merit(total) for total in s.result.totals]
    for at in _FITS:
        row = s.result.rows[at].points
        merits = [total - points if -1000 < points < 0 else total for total, points in zip(merits, row, strict=True)]
    best = merits.index(max(merits))
    against = any(s.result.rows[at].points[best] < 0 for at in _FITS)
    return when(against, wanted=str(LABELS[best]))


@caution("sft_before_dpo", ZEPHYR)
def base_model_and_preferences(s: Seen) -> Params:
    """Preferences are at hand and the model is a base."""
    return when(s.case.kind == Kind.BASE and (some(s.case.prefs) or some(s.case.binary)))


@caution("rl_needs_nonzero_success", TENSOROPS, TINYZERO)
def success_not_probed(s: Seen) -> Params:
    """RL is near, and the model was not seen to succeed."""
    wanted = Goal.REASONING in s.case.goals or s.has(Objective.GRPO)
    checkable = some(s.case.verifiable) or s.case.success_zero
    return when(wanted and checkable and not s.case.success_some, prompts=50, rollouts=5)


@caution("reward_hacking", OPENAI_RFT)
def reward_is_gamed(s: Seen) -> Params:
    """A reward is trained against."""
    return when(s.has(Objective.GRPO, Objective.RLHF_PPO))


@caution("catastrophic_forgetting", FORGETS_LESS)
def old_skills_fade(s: Seen) -> Params:
    """All weights move, or a corpus is trained on, or old skills must stay."""
    keep = bool(s.case.constraints.keep_general_ability)
    deep = s.has(Objective.CPT) or s.label.technique == Technique.FULL
    return when(s.label.tunes and (keep or deep))


@caution("quantization_quality", FINGPT, QLORA_PAPER)
def four_bits(s: Seen) -> Params:
    """The base is held in four bits."""
    return when(s.label.technique == Technique.QLORA, before=0.855, after=0.777)


@caution("bigger_base_first", SCALING)
def more_adapter_is_not_the_way(s: Seen) -> Params:
    """Tuning fell short: a bigger base helps more than a bigger adapter."""
    return when(s.case.sft == Tried.INSUFFICIENT and s.label.tunes)


@caution("safety_regression", COMPROMISES)
def safety_loosens(s: Seen) -> Params:
    """An aligned model is tuned."""
    return when(s.label.tunes and s.case.kind != Kind.BASE, examples=10)


@caution("over_refusal", OPENAI_BEST, SAFETY_TUNED)
def refuses_too_much(s: Seen) -> Params:
    """Refusal is asked for or trained."""
    return when(Goal.REFUSAL in s.case.goals or s.has(Objective.REFUSAL), share=3)
