"""Continued pretraining: only a corpus of billions of tokens, far from what the base knows, earns it."""

from __future__ import annotations

from advisor.candidates import CPT, CPT_ALONE, FULL, LORA, QLORA, both
from advisor.case import Case, reaches, some
from advisor.facts import Goal, Kind, Tried
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import ALMA, CHIPNEMO, DNA, EEVE, FORGETS_LESS, HARVEY, KAPLAN, MEDICAL, SYNTHETIC_CPT

LEAST, ENOUGH = 100_000_000, 1_000_000_000
HOURS_LIMIT = 1000
_FLOPS_LARGE, _FLOPS_SMALL = 150e12, 50e12
"""Sustained training FLOP/s of one card: about half an A100's bf16 peak from 40 GB on, a gaming card's below."""
_FELL_SHORT = Tried.INSUFFICIENT


def _levers_that_fell_short(c: Case) -> int:
    """How many cheaper levers were measured and fell short; two say that the base itself lacks the domain."""
    return sum(1 for outcome in (c.prompting, c.rag, c.sft) if outcome == _FELL_SHORT)


@rule("CPT001", reads=("data.documents", "knowledge.corpus_tokens"), sources=(SYNTHETIC_CPT,))
def no_corpus(c: Case) -> Outcome | None:
    """Without raw text there is nothing to continue pretraining on."""
    return None if c.documents else veto(CPT)


@rule(
    "CPT002",
    reads=("knowledge.corpus_tokens",),
    sources=(SYNTHETIC_CPT,),
    status=Status.JUDGEMENT,
    figures={"least": "100,000,000"},
)
def corpus_too_small(c: Case) -> Outcome | None:
    """Raw text this small is not learned: each fact wants hundreds of restatements."""
    tokens = c.corpus_tokens
    return veto(CPT, tokens=tokens) if tokens is not None and tokens < LEAST else None


@rule(
    "CPT003",
    reads=("knowledge.corpus_tokens", "data.documents"),
    sources=(EEVE, ALMA, CHIPNEMO),
    status=Status.JUDGEMENT,
    figures={"enough": "1,000,000,000"},
)
def corpus_modest_or_unknown(c: Case) -> Outcome | None:
    """The corpus is below the sizes that published recipes used, or nobody has counted it."""
    return vote((CPT, -16)) if c.documents and not reaches(c.corpus_tokens, ENOUGH) else None


@rule(
    "CPT004",
    reads=("goals", "knowledge.corpus_tokens", "model.kind", "history.prompting", "history.rag", "history.sft"),
    sources=(EEVE, DNA, CHIPNEMO, HARVEY),
    figures={"korean": "2,000,000,000", "law": "10,000,000,000", "chips": "24,000,000,000"},
)
def domain_corpus_is_large(c: Case) -> Outcome | None:
    """A language or domain far from the base, and raw text at the scale of the published recipes."""
    if Goal.DOMAIN_LANGUAGE not in c.goals or not reaches(c.corpus_tokens, LEAST):
        return None
    short = _levers_that_fell_short(c)
    if c.kind == Kind.BASE or short >= 2:
        return vote((CPT, 46 if reaches(c.corpus_tokens, ENOUGH) else 34))
    return vote((CPT, 14)) if short or c.kind is None else None


@rule("CPT005", reads=("goals",), sources=(MEDICAL, SYNTHETIC_CPT))
def no_new_language(c: Case) -> Outcome | None:
    """The domain's language is not the problem: pretraining further seldom pays."""
    return None if Goal.DOMAIN_LANGUAGE in c.goals or not c.goals else vote((CPT, -16))


@rule(
    "CPT006",
    reads=("model.kind",),
    sources=(CHIPNEMO, FORGETS_LESS),
    status=Status.PRACTICE,
)
def pretraining_an_instruct_model(c: Case) -> Outcome | None:
    """Raw text unteaches the chat behaviour of an instruct model; start from its base."""
    return vote((CPT, -6)) if c.kind == Kind.INSTRUCT else None


@rule(
    "CPT007",
    reads=("data.documents", "knowledge.corpus_tokens"),
    sources=(FORGETS_LESS, CHIPNEMO),
    figures={"tokens": "20,000,000,000"},
)
def corpus_exceeds_adapter(c: Case) -> Outcome | None:
    """A corpus holds more than a low-rank adapter can: full weights where they fit."""
    if not c.documents:
        return None
    full = 26 if reaches(c.corpus_tokens, ENOUGH) else 14
    return vote((_CPT_FULL, full), (_CPT_LORA, -4), (_CPT_QLORA, -10))


@rule("CPT008", reads=("data.instruction_pairs", "data.documents", "knowledge.corpus_tokens"), sources=(CHIPNEMO, EEVE))
def pretraining_needs_instruction_after(c: Case) -> Outcome | None:
    """After raw text comes instruction tuning; pairs are at hand."""
    return vote((CPT_ALONE, -10)) if c.documents and some(c.pairs) else None


@rule(
    "CPT009",
    reads=("knowledge.corpus_tokens", "model.params_b", "model.access", "hardware.gpus"),
    sources=(KAPLAN, CHIPNEMO),
    status=Status.JUDGEMENT,
    figures={"limit": HOURS_LIMIT, "large": 150, "small": 50},
)
def corpus_beyond_the_machine(c: Case) -> Outcome | None:
    """The corpus would take this machine many weeks."""
    if not c.local or not c.gpus or c.params_b is None or not c.corpus_tokens:
        return None
    speed = sum(_FLOPS_LARGE if (gpu.vram_gb or 80) >= 40 else _FLOPS_SMALL for gpu in c.gpus)
    hours = 6 * c.params_b * 1e9 * c.corpus_tokens / speed / 3600
    return vote((CPT, -50), hours=round(hours), tokens=c.corpus_tokens) if hours > HOURS_LIMIT else None


_CPT_FULL, _CPT_LORA, _CPT_QLORA = both(CPT, FULL), both(CPT, LORA), both(CPT, QLORA)
