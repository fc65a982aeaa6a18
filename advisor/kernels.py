"""How rows are batched and by which kernels: speed that changes no result, chosen by what data and hardware allow."""

from __future__ import annotations

import msgspec

from advisor.methods import Objective, Technique
from advisor.recipe import Attention, Batching

PLAIN = (
    Objective.CPT,
    Objective.SFT,
    Objective.DOMAIN_QA,
    Objective.STYLE,
    Objective.REFUSAL,
    Objective.DISTILL,
)
VIRTUAL = (Technique.PREFIX, Technique.PROMPT)
PACKED_LENGTH = 1024
STEPS_LEAST = 50


class Kernels(msgspec.Struct, frozen=True, kw_only=True):
    """The choice, and why: locale keys under `why.` by recipe field."""

    batching: Batching
    packing: bool
    attention: Attention = Attention.AUTO
    liger: bool | None = None
    why: dict[str, str]


def kernels(
    objective: Objective, technique: Technique, *, gpu: bool, tokens: int | None, length: int, batch: int
) -> Kernels:
    """`tokens` = all tokens of one pass over the data, None = not known.

    Packing is for running text alone, and only where packed rows still make STEPS_LEAST steps a pass: fewer, fuller
    steps teach a small corpus less. Virtual tokens stand before every row, so such rows are never laid end to end.
    """
    why = {"train.attention": "attention", "train.liger": "liger"} if gpu else {}
    if objective not in PLAIN:
        return Kernels(batching=Batching.PADDED, packing=False, why=why)
    if objective is Objective.CPT and technique not in VIRTUAL and tokens is not None:
        packs = tokens // max(length, 1) >= STEPS_LEAST * batch
        if packs:
            return Kernels(batching=Batching.PADDED, packing=True, why=why | {"train.packing": "packing"})
        why["train.packing"] = "packing_few"
    if technique in VIRTUAL:
        return Kernels(batching=Batching.GROUPED, packing=False, why=why | {"train.batching": "grouped"})
    reason = "batching_gpu" if gpu else "grouped"
    return Kernels(batching=Batching.AUTO, packing=False, why=why | {"train.batching": reason})
