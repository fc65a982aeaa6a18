"""Candidates: the one fixed universe of labels. Every recommendation ranks all of it, so answers stay comparable."""

from __future__ import annotations

from collections.abc import Callable

from advisor.methods import Approach, Label, Objective, Technique, parse_label

SFT_KINDS = frozenset({Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL, Objective.DISTILL})
"""Objectives that are supervised training on answers, by purpose."""

_FT = (
    "sft domain_qa style refusal distill sft+refusal dpo orpo kto sft>dpo sft>kto sft+refusal>dpo grpo sft>grpo "
    "distill>grpo rlhf_ppo sft>rlhf_ppo cpt cpt>sft cpt>sft>dpo"
)
_RAG_FT = (
    "sft domain_qa style refusal distill sft+refusal domain_qa+refusal dpo orpo kto sft>dpo grpo "
    "cpt cpt>sft cpt>domain_qa cpt>sft>dpo"
)
_BROAD = tuple(Technique)
_DEEP = (Technique.FULL, Technique.LORA, Technique.QLORA)
"""Virtual tokens hold too little for a corpus, a preference or a reward; prefix and prompt only do SFT kinds."""


def _universe() -> tuple[Label, ...]:
    labels = [Label(Approach.ZERO_SHOT), Label(Approach.FEW_SHOT), Label(Approach.RAG)]
    for head, plans in (("ft", _FT), ("rag_ft", _RAG_FT)):
        for plan in plans.split():
            sample = parse_label(f"{head}/{plan}:lora")
            techniques = _BROAD if len(sample.stages) == 1 and set(sample.objectives) <= SFT_KINDS else _DEEP
            labels += [Label(sample.approach, sample.stages, technique) for technique in techniques]
    return tuple(labels)


LABELS: tuple[Label, ...] = _universe()
NAMES: tuple[str, ...] = tuple(str(label) for label in LABELS)
INDEX: dict[str, int] = {name: at for at, name in enumerate(NAMES)}

Target = tuple[int, ...]
"""Positions in LABELS that a vote or veto is about."""


def where(test: Callable[[Label], bool]) -> Target:
    """All candidates that pass the test; made once at import, never per recommendation."""
    return tuple(at for at, label in enumerate(LABELS) if test(label))


def using(*objectives: Objective) -> Target:
    """All candidates in which one of these objectives occurs."""
    return where(lambda label: not set(objectives).isdisjoint(label.objectives))


def plans(*names: str) -> Target:
    """All techniques of the named plans (`sft>dpo`), with and without retrieval."""
    return where(lambda label: ">".join("+".join(stage) for stage in label.stages) in names)


def both(first: Target, second: Target) -> Target:
    """Candidates in both targets."""
    return tuple(at for at in first if at in set(second))


def but(first: Target, second: Target) -> Target:
    """Candidates in the first target and not in the second."""
    return tuple(at for at in first if at not in set(second))


ZERO = where(lambda label: label.approach == Approach.ZERO_SHOT)
FEW = where(lambda label: label.approach == Approach.FEW_SHOT)
RAG = where(lambda label: label.approach == Approach.RAG)
FT = where(lambda label: label.approach == Approach.FT)
RAG_FT = where(lambda label: label.approach == Approach.RAG_FT)
PROMPTS = ZERO + FEW
TUNES = FT + RAG_FT
RETRIEVES = RAG + RAG_FT
CLOSED_BOOK = PROMPTS + FT

CPT = using(Objective.CPT)
DISTILL = using(Objective.DISTILL)
GRPO = using(Objective.GRPO)
PPO = using(Objective.RLHF_PPO)
PAIRED = using(Objective.DPO, Objective.ORPO)
KTO = using(Objective.KTO)
REFUSAL = using(Objective.REFUSAL)
LABELLED = using(Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL)
"""Plans with a stage that needs the user's own (input, answer) pairs."""

FULL = where(lambda label: label.technique == Technique.FULL)
LORA = where(lambda label: label.technique == Technique.LORA)
QLORA = where(lambda label: label.technique == Technique.QLORA)
PREFIX = where(lambda label: label.technique == Technique.PREFIX)
PROMPT = where(lambda label: label.technique == Technique.PROMPT)
BY_TECHNIQUE: dict[Technique, Target] = {
    Technique.FULL: FULL,
    Technique.LORA: LORA,
    Technique.QLORA: QLORA,
    Technique.PREFIX: PREFIX,
    Technique.PROMPT: PROMPT,
}
SECOND_STAGE = where(lambda label: len(label.stages) > 1)
THIRD_STAGE = where(lambda label: len(label.stages) > 2)

SFT_ONLY = where(lambda label: len(label.stages) == 1 and label.tunes and set(label.objectives) <= SFT_KINDS)
"""Plans that are nothing but supervised training on answers."""
PLAIN_LABELLED = but(LABELLED, DISTILL)
HELD_ALONE = where(
    lambda label: label.tunes and label.stages[0][0] in (Objective.DPO, Objective.KTO, Objective.RLHF_PPO)
)
"""Preference plans with no supervised stage before them (ORPO carries its own)."""
CPT_ALONE = but(CPT, SECOND_STAGE)
CHAINED_PREFERENCE = where(
    lambda label: (
        label.tunes
        and len(label.stages) > 1
        and label.stages[-1][0] in (Objective.DPO, Objective.KTO, Objective.RLHF_PPO)
    )
)
