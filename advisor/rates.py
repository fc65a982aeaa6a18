"""Learning rates follow the model's width and the method, never a model's name: wider models take smaller steps."""

from __future__ import annotations

import math

import msgspec

from advisor.methods import Objective, Technique

BASE_RATE, BASE_WIDTH = 5e-5, 2000
ADAPTER_GAIN, SHORT_GAIN, SHORT_STEPS = 10.0, 15.0, 100
WIDTH_POWER, QWEN_POWER = 0.781, 0.0775
"""Schulman et al., LoRA Without Regret (2025): rate = 5e-5 * 10 * (2000 / width) ^ power, the 10 for adapters only,
about 15 in runs below 100 steps; the powers are those fitted to Llama and Qwen."""

SHARE = {
    Objective.DPO: 1 / 40,
    Objective.KTO: 1 / 40,
    Objective.ORPO: 1 / 4,
    Objective.GRPO: 1 / 20,
    Objective.RLHF_PPO: 1 / 20,
}
"""Of the supervised rate. Alignment Handbook: DPO 5e-7 full and 5e-6 QLoRA on 7B models whose supervised rates are 2e-5
and 2e-4; ORPO 8e-6 (Hong et al. 2024); KTO as DPO (Ethayarajh et al. 2024); RL 1e-6 full (TRL's default)."""

SHARE_REASON = {
    Objective.DPO: "rate_share",
    Objective.KTO: "rate_share",
    Objective.ORPO: "rate_share_orpo",
    Objective.GRPO: "rate_share_rl",
    Objective.RLHF_PPO: "rate_share_rl",
}

REWARD_SHARE = 1 / 2
"""Of the supervised rate, for a reward model. TRL's own examples: 1e-5 full and 1e-4 LoRA, beside 2e-5 and 2e-4 for
supervised tuning of the same models."""

LONG_STEPS = 1200
SHARE_MOST = {Objective.DPO: 1 / 4, Objective.KTO: 1 / 4, Objective.ORPO: 1.0}
"""The published shares are for runs of a thousand steps and more. A shorter run gets as far only with larger steps, up
to these shares: on 120 steps DPO at 1/40 moved preference accuracy from 0.43 to 0.52, at 1/4 to above 0.9 (our practice
model, 4 M parameters)."""

VIRTUAL_RATE = {Technique.PROMPT: 3e-2, Technique.PREFIX: 1e-2}
"""PEFT's prompt tuning and P-Tuning v2 (Liu et al. 2022): random vectors need large steps at any width."""


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A learning rate and what it was made from. `reason` is a locale key under `why.`."""

    value: float
    reason: str
    width: int
    width_known: bool
    gain: float
    power: float


def learning_rate(
    objective: Objective,
    technique: Technique,
    *,
    width: int | None = None,
    family: str | None = None,
    params_b: float | None = None,
    steps: int | None = None,
) -> Rate:
    """The rate to begin with. `width` = hidden size; None = it follows from `params_b` (billions), else that of 8B."""
    known = width is not None
    width = width or width_of(params_b)
    power = QWEN_POWER if (family or "").startswith("qwen") else WIDTH_POWER
    gain = 1.0
    if technique is not Technique.FULL:
        gain = SHORT_GAIN if steps is not None and steps < SHORT_STEPS else ADAPTER_GAIN
    part = share(objective, steps)
    value = BASE_RATE * gain * (BASE_WIDTH / width) ** power * part
    reason = "rate_full" if technique is Technique.FULL else "rate_adapter"
    if technique in VIRTUAL_RATE:
        value, reason = VIRTUAL_RATE[technique] * part, "rate_virtual"
    elif objective in SHARE:
        reason = SHARE_REASON[objective]
    return Rate(value=rounded(min(value, 0.1)), reason=reason, width=width, width_known=known, gain=gain, power=power)


def reward_rate(
    technique: Technique, *, width: int | None = None, family: str | None = None, params_b: float | None = None
) -> float:
    """The rate of a reward model that is trained whole or by an adapter."""
    supervised = learning_rate(Objective.SFT, technique, width=width, family=family, params_b=params_b)
    return rounded(supervised.value * REWARD_SHARE)


def share(objective: Objective, steps: int | None) -> float:
    """The part of the supervised rate that the objective takes in a run of so many steps."""
    least = SHARE.get(objective, 1.0)
    if steps is None or objective not in SHARE_MOST:
        return least
    return min(max(least * LONG_STEPS / max(steps, 1), least), SHARE_MOST[objective])


def width_of(params_b: float | None) -> int:
    """Hidden size of a usual decoder of so many billion parameters: 12 * layers * width^2 with layers = width / 128."""
    width: float = math.cbrt((params_b or 8.0) * 1e9 * 128 / 12)
    return max(round(width / 64) * 64, 64)


def rounded(value: float) -> float:
    """Two significant digits: a third one would claim a precision that no rule has."""
    return round(value, 1 - math.floor(math.log10(value)))
