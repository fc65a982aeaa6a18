"""Preference and reward training can look better by every reward while the answers get worse."""

from __future__ import annotations

from advisor.coach.rule import STOP, Evidence, watches
from advisor.coach.telemetry import Points, Telemetry, course, values

SMAUG = ("Pal et al., Smaug: fixing failure modes of DPO with DPO-positive (arXiv 2402.13228)", None)
TRL_GRPO = ("TRL, GRPO trainer: frac_reward_zero_std, completions/clipped_ratio, kl", None)
GOODHART = ("Gao et al., Scaling laws for reward model overoptimization (arXiv 2210.10760)", None)
DR_GRPO = ("Liu et al., Understanding R1-Zero-like training (arXiv 2503.20783): length bias", None)

FALL, FALL_NATS = 0.3, 10.0
NO_VARIANCE, ALL = 0.9, 0.99
KL_TOKEN, KL_ANSWER = 1.0, 30.0
LONGER, NARROWER = 2.0, 0.2
CUT_BEFORE, CUT_NOW = 0.5, 0.9
FEW_WORDS, WORDS = 0.3, 8
WORSE_NATS = 0.5
"""Per token: every word of the wanted answers surprises 1.6 times as much."""
RECENT = 8


def recent(points: Points, count: int = RECENT) -> float | None:
    """The mean of the last values; None when there are fewer than half of them."""
    found = values(points)[-count:]
    return sum(found) / len(found) if len(found) >= count // 2 else None


def early(points: Points, count: int = RECENT) -> float | None:
    """The mean of the first values; None when there are not twice as many."""
    found = values(points)
    return sum(found[:count]) / count if len(found) >= 2 * count else None


@watches("COA010", sources=(SMAUG,), figures={"fall": FALL, "nats": FALL_NATS}, action="set train.beta=*3")
def chosen_answers_fall(t: Telemetry) -> Evidence | None:
    """DPO widens the margin by making even the chosen answers much less likely."""
    points = t.extra("logps_chosen")
    before, now, margin = early(points), recent(points), recent(t.extra("rewards_margin", "rewards_margins"))
    if before is None or now is None or margin is None or margin <= 0:
        return None
    fall = before - now
    if fall < max(FALL_NATS, FALL * abs(before)):
        return None
    return {"before": round(before, 1), "now": round(now, 1), "margin": round(margin, 2)}


@watches("COA011", sources=(TRL_GRPO,), figures={"share": NO_VARIANCE})
def rewards_all_alike(t: Telemetry) -> Evidence | None:
    """All answers of a group get the same reward, so that nothing tells better from worse."""
    share = _share_alike(values(t.extra("frac_reward_zero_std")))
    spread = values(t.extra("reward_std"))[-RECENT:]
    if share is None and len(spread) == RECENT and not t.extra("frac_reward_zero_std") and max(spread) < 1e-6:
        share = 1.0
    reward = recent(t.extra("reward", "rewards_mean"))
    if share is None or reward is None:
        return None
    first = early(t.extra("reward", "rewards_mean"))
    solved = first is not None and reward > first + 0.2
    return None if solved else {"share": round(share, 2), "reward": round(reward, 3)}


def _share_alike(shares: list[float]) -> float | None:
    """The share of groups without variance where it is nearly all; a step has few groups, so many steps must agree."""
    for count, limit in ((RECENT, ALL), (2 * RECENT, NO_VARIANCE)):
        found = shares[-count:]
        if len(found) == count and sum(found) / count >= limit:
            return sum(found) / count
    return None


@watches("COA012", sources=(GOODHART, DR_GRPO), figures={"longer": LONGER}, action=STOP)
def reward_hacked(t: Telemetry) -> Evidence | None:
    """The reward climbs while the answers get worse by another sign: length, repetition, held-out loss or score."""
    rewards = t.extra("reward", "rewards_mean", "objective_rlhf_reward", "objective_scores")
    first, now = early(rewards), recent(rewards)
    if first is None or now is None or now <= first + 0.05 * abs(first):
        return None
    sign = _longer(t) or _cut_off(t) or _repeating(t) or _worse(t)
    return None if sign is None else {"first": round(first, 3), "now": round(now, 3), "sign": sign}


def _longer(t: Telemetry) -> str | None:
    """Answers that are much longer than at first."""
    lengths = t.extra("completions_mean_length", "completion_length")
    short, long = early(lengths), recent(lengths)
    if not short or not long:
        return None
    before, now = early(t.extra("entropy")), recent(t.extra("entropy"))
    narrow = before is not None and now is not None and now < NARROWER * before
    # Longer and all alike: half of that length is enough.
    least = (1 + LONGER) / 2 if narrow else LONGER
    return f"{short:.0f} -> {long:.0f}" if long > least * short else None


def _cut_off(t: Telemetry) -> str | None:
    """Answers that ended by themselves run into the limit now."""
    share = t.extra("completions_clipped_ratio")
    before, now = early(share), recent(share)
    if before is None or now is None or before > CUT_BEFORE or now < CUT_NOW:
        return None
    return f"{before:.0%} -> {now:.0%}"


def _repeating(t: Telemetry) -> str | None:
    """All sample answers but a few say few words again and again, and did not at first."""
    steps = sorted({answer.step for answer in t.answers})
    if not steps:
        return None
    last = [answer.text for answer in t.answers if answer.step == steps[-1]]
    said = [text for text in last if repeats(text)]
    return f"\u2026{said[0][-40:]}" if len(said) > len(last) / 2 else None


def repeats(text: str) -> bool:
    """Whether a text of some length has few different words."""
    found = text.split()
    return len(found) >= WORDS and len(set(found)) < FEW_WORDS * len(found)


def _worse(t: Telemetry) -> str | None:
    """The held-out loss rises clearly, or held-out score or answers are surely worse than before."""
    evals = values(t.eval_losses)
    if len(evals) >= 3 and min(evals[-2:]) > 1.15 * min(evals):
        return f"{min(evals):.3f} -> {evals[-1]:.3f}"
    if t.score_before is not None and t.score_after is not None and t.score_after[1] < t.score_before[0]:
        return f"{t.score_before[0]:.3f} -> {t.score_after[1]:.3f}"
    if t.wanted_before is not None and t.wanted_after is not None and t.wanted_after > t.wanted_before + WORSE_NATS:
        return f"{t.wanted_before:.3f} -> {t.wanted_after:.3f}"
    return None


@watches("COA013", sources=(TRL_GRPO, GOODHART), figures={"token": KL_TOKEN, "answer": KL_ANSWER}, action=STOP)
def far_from_reference(t: Telemetry) -> Evidence | None:
    """The policy has moved so far from its reference that the reward no longer means what it did."""
    # KTO sums it over an answer, as PPO does; GRPO and RLOO tell it by token.
    of_answer = t.objective == "kto"
    for name, limit in (("kl", KL_ANSWER if of_answer else KL_TOKEN), ("objective_kl", KL_ANSWER)):
        now = recent(t.extra(name))
        if now is not None and now > limit:
            return {"kl": round(now, 2), "limit": limit}
    return None


@watches("COA014", sources=(SMAUG,), action="set train.learning_rate=*0.3")
def preference_turned_over(t: Telemetry) -> Evidence | None:
    """The rejected answers are preferred more and more: the margin has turned negative and stays so."""
    points = t.extra("rewards_margin", "rewards_margins")
    found, now = course(points), recent(points)
    if found is None or now is None or now >= 0 or max(found.medians[-3:]) >= 0 or found.last > -5 * found.stray:
        return None
    return {"margin": round(now, 3)}
