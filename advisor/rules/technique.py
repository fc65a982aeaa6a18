"""Technique: how weights move, given that they do. LoRA unless something measured speaks for another."""

from __future__ import annotations

from advisor.candidates import CPT, FULL, LORA, PREFIX, PROMPT, QLORA, but
from advisor.case import Case, reaches
from advisor.facts import Access
from advisor.rules.rule import Outcome, Status, rule, vote
from advisor.rules.sources import (
    BRIEF_OVERFIT,
    FINGPT,
    FORGETS_LESS,
    LORA_WITHOUT_REGRET,
    PEFT_RESULTS,
    PREFIX_PAPER,
    QLORA_PAPER,
)

_FULL_ON_PAIRS = but(FULL, CPT)


@rule("TEC001", reads=("model.access",), sources=(LORA_WITHOUT_REGRET,), figures={"compute": 67, "rank": 256})
def lora_by_default(c: Case) -> Outcome | None:
    """At the scale of instruction data LoRA on all linear layers learns as much as full tuning."""
    return None if c.access == Access.API else vote((LORA, 10), (QLORA, 4), (FULL, -2))


@rule("TEC002", reads=("model.access",), sources=(QLORA_PAPER, FINGPT), figures={"before": 0.855, "after": 0.777})
def quantization_may_cost(c: Case) -> Outcome | None:
    """Four-bit weights save memory; where 16 bits fit, they only risk quality."""
    return None if c.access == Access.API else vote((QLORA, -2))


@rule(
    "TEC003",
    reads=("model.access",),
    sources=(PEFT_RESULTS,),
    figures={"prompt_low": 5.7, "prompt_high": 34.3, "lora_low": 47.8, "lora_high": 51.3},
)
def virtual_tokens_learn_less(c: Case) -> Outcome | None:
    """Prefix and prompt tuning learn clearly less than LoRA on small and mid-sized models."""
    return None if c.access == Access.API else vote((PREFIX, -12), (PROMPT, -18))


@rule(
    "TEC004",
    reads=("data.instruction_pairs",),
    sources=(FORGETS_LESS,),
    status=Status.PRACTICE,
    figures={"pairs": "100,000"},
)
def pairs_exceed_adapter(c: Case) -> Outcome | None:
    """So many examples can fill an adapter: full tuning may pay, where it fits."""
    return vote((_FULL_ON_PAIRS, 16)) if reaches(c.pairs, 100_000) else None


@rule(
    "TEC005",
    reads=("data.instruction_pairs",),
    sources=(BRIEF_OVERFIT, PREFIX_PAPER),
    figures={"pairs": 1000},
)
def little_data_overfits(c: Case) -> Outcome | None:
    """With little data, moving all weights memorises it."""
    return vote((FULL, -8), (PREFIX, 2)) if c.pairs is not None and c.pairs < 1000 else None


@rule(
    "TEC006", reads=("constraints.keep_general_ability",), sources=(FORGETS_LESS,), figures={"tokens": "20,000,000,000"}
)
def keep_general_ability(c: Case) -> Outcome | None:
    """Old skills must stay: adapters forget less than full tuning."""
    return vote((LORA, 3), (QLORA, 3), (FULL, -5)) if c.constraints.keep_general_ability else None
