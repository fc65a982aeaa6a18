"""The vocabulary: approaches, objectives, techniques, and the labels made of them. Two axes, never mixed."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from advisor.errors import InputError


class Approach(StrEnum):
    """What is changed: the prompt, the context, the weights, or both."""

    ZERO_SHOT = "zero_shot"
    FEW_SHOT = "few_shot"
    RAG = "rag"
    FT = "ft"
    RAG_FT = "rag_ft"


class Objective(StrEnum):
    """What the weights are moved toward."""

    CPT = "cpt"
    SFT = "sft"
    DOMAIN_QA = "domain_qa"
    STYLE = "style"
    REFUSAL = "refusal"
    DPO = "dpo"
    ORPO = "orpo"
    KTO = "kto"
    RLHF_PPO = "rlhf_ppo"
    GRPO = "grpo"
    DISTILL = "distill"


class Technique(StrEnum):
    """How the weights move."""

    FULL = "full"
    LORA = "lora"
    QLORA = "qlora"
    PREFIX = "prefix"
    PROMPT = "prompt"


class Label(msgspec.Struct, frozen=True):
    """One complete answer: an approach and, when it tunes, stages of objectives and a technique.

    `stages` holds the stages in order; each stage is the objectives whose data are mixed in it.
    """

    approach: Approach
    stages: tuple[tuple[Objective, ...], ...] = ()
    technique: Technique | None = None

    @property
    def tunes(self) -> bool:
        """Whether weights change."""
        return self.approach in (Approach.FT, Approach.RAG_FT)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives in order, stages flattened."""
        return tuple(objective for stage in self.stages for objective in stage)

    def __str__(self) -> str:
        if not self.tunes:
            return self.approach.value
        stages = ">".join("+".join(stage) for stage in self.stages)
        return f"{self.approach.value}/{stages}:{self.technique}"


def parse_label(text: str) -> Label:
    """Read `ft/cpt>sft+refusal:lora`; InputError names what is wrong and what is allowed."""
    head, slash, rest = text.partition("/")
    if head not in set(Approach):
        raise InputError("label.approach", label=text, value=head, allowed=", ".join(Approach))
    approach = Approach(head)
    if approach not in (Approach.FT, Approach.RAG_FT):
        if slash:
            raise InputError("label.no_stages", label=text, value=head)
        return Label(approach)
    stages, colon, technique = rest.rpartition(":")
    if not slash or not colon or technique not in set(Technique):
        raise InputError("label.technique", label=text, value=technique, allowed=", ".join(Technique))
    return Label(approach, tuple(_stage(part, text) for part in stages.split(">")), Technique(technique))


def _stage(part: str, text: str) -> tuple[Objective, ...]:
    for name in part.split("+"):
        if name not in set(Objective):
            raise InputError("label.objective", label=text, value=name, allowed=", ".join(Objective))
    return tuple(Objective(name) for name in part.split("+"))
