"""Access: what may be done to the model at all, and where the data may go."""

from __future__ import annotations

from advisor.candidates import CPT, FULL, KTO, PPO, PREFIX, PROMPT, QLORA, TUNES, plans
from advisor.case import Case
from advisor.facts import Access
from advisor.rules.rule import Outcome, rule, veto
from advisor.rules.sources import AIRTRAIN, MS_LESSON, OPENAI_RFT, OPENAI_SFT

_HOSTED_NEVER = tuple(sorted({*CPT, *KTO, *PPO, *plans("orpo"), *FULL, *QLORA, *PREFIX, *PROMPT}))


@rule("ACC001", reads=("model.access",), sources=(MS_LESSON,), figures={"needs": 4})
def weights_closed(c: Case) -> Outcome | None:
    """Neither weights nor a tuning service: only the prompt and the context can change."""
    return veto(TUNES) if c.access == Access.API else None


@rule("ACC002", reads=("model.access", "hardware.gpus"), sources=(OPENAI_SFT, OPENAI_RFT), figures={"kinds": 3})
def hosted_tuning_only(c: Case) -> Outcome | None:
    """The provider offers supervised, preference and reward tuning by its own adapters, nothing else."""
    return veto(_HOSTED_NEVER) if c.hosted_only else None


@rule(
    "ACC003",
    reads=("model.access", "constraints.privacy", "hardware.gpus"),
    sources=(AIRTRAIN,),
    figures={"params_b": 7},
)
def data_may_not_leave(c: Case) -> Outcome | None:
    """Tuning data would go to the provider, and it may not leave."""
    return veto(TUNES) if c.on_prem and c.hosted_only else None
