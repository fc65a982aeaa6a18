"""Continued pretraining: only a corpus of billions of tokens, far from what the base knows, earns it."""

from __future__ import annotations

from advisor.candidates import CPT, CPT_ALONE, FULL, LORA, QLORA, both
from advisor.case import Case, reaches, some
from advisor.facts import Access, Goal, Kind, Tried
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import ALMA, CHIPNEMO, DNA, EEVE, FORGETS_LESS, HARVEY, KAPLAN, MEDICAL, SYNTHETIC_CPT

LEAST, ENOUGH, PLENTY = 100_000_000, 1_000_000_000, 10_000_000_000
WEEK, MONTH = 170, 720
"""Hours of one pass over the corpus after which it is dear, and after which it is out of reach."""
_FLOPS_LARGE, _FLOPS_SMALL = 150e12, 50e12
"""Sustained training FLOP/s of one card: about half an A100's bf16 peak from 40 GB on, a gaming card's below."""
_FELL_SHORT = Tried.INSUFFICIENT
_BY_SIGNS = {3: 8, 4: 20, 5: 72}


def _signs_of_a_far_domain(c: Case) -> int:
    """How far a domain is from the base is not a fact that anyone states; these are, and each speaks for it.

    The domain's language comes first among the goals (2); the model is a base (2) or may be one (1); pairs are there
    to teach answering afterwards (1); the corpus is very large (1); a cheaper lever fell short (1 each).
    """
    leads = 2 if c.first == Goal.DOMAIN_LANGUAGE else 0
    base = {Kind.BASE: 2, None: 1, Kind.INSTRUCT: 0}[c.kind]
    short = sum(1 for outcome in (c.prompting, c.rag, c.sft) if outcome == _FELL_SHORT)
    return leads + base + short + some(c.pairs) + reaches(c.corpus_tokens, PLENTY)


@rule(
    "CPT001",
    reads=("data.documents", "knowledge.corpus_tokens"),
    sources=(SYNTHETIC_CPT,),
    figures={"small": "1,300,000", "restated": "455,000,000"},
)
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
    reads=(
        "goals",
        "knowledge.corpus_tokens",
        "data.instruction_pairs",
        "model.kind",
        "history.prompting",
        "history.rag",
        "history.sft",
    ),
    sources=(EEVE, DNA, CHIPNEMO, HARVEY, MEDICAL),
    figures={"korean": "2,000,000,000", "law": "10,000,000,000", "chips": "24,000,000,000", "signs": 5},
)
def domain_corpus_is_large(c: Case) -> Outcome | None:
    """A language or domain far from the base, and raw text at the scale of the published recipes."""
    signs = _signs_of_a_far_domain(c)
    if Goal.DOMAIN_LANGUAGE not in c.goals or not reaches(c.corpus_tokens, LEAST) or signs < 3:
        return None
    points = _BY_SIGNS[min(signs, 5)]
    return vote((CPT, points if reaches(c.corpus_tokens, ENOUGH) else points // 2), signs_seen=signs)


@rule(
    "CPT005", reads=("goals",), sources=(MEDICAL, SYNTHETIC_CPT), figures={"better": 22.7, "tie": 36.8, "worse": 40.5}
)
def no_new_language(c: Case) -> Outcome | None:
    """The domain's language is not the problem: pretraining further seldom pays."""
    return None if Goal.DOMAIN_LANGUAGE in c.goals or not c.goals else vote((CPT, -16))


@rule(
    "CPT006",
    reads=("model.kind",),
    sources=(CHIPNEMO, FORGETS_LESS),
    status=Status.PRACTICE,
    figures={"tokens": "24,000,000,000", "pairs": "56,000"},
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
    large = reaches(c.corpus_tokens, ENOUGH)
    return vote((_CPT_LORA, -34 if large else -14), (_CPT_QLORA, -40 if large else -20))


@rule(
    "CPT008",
    reads=("data.instruction_pairs", "data.documents", "knowledge.corpus_tokens"),
    sources=(CHIPNEMO, EEVE),
    figures={"tokens": "24,000,000,000", "pairs": "56,000"},
)
def pretraining_needs_instruction_after(c: Case) -> Outcome | None:
    """After raw text comes instruction tuning; pairs are at hand."""
    return vote((CPT_ALONE, -10)) if c.documents and some(c.pairs) else None


@rule(
    "CPT009",
    reads=("knowledge.corpus_tokens", "model.params_b", "model.access", "hardware.gpus", "constraints.deadline_h"),
    sources=(KAPLAN, CHIPNEMO),
    status=Status.JUDGEMENT,
    figures={"week": WEEK, "month": MONTH, "large": 150, "small": 50},
)
def corpus_beyond_the_machine(c: Case) -> Outcome | None:
    """One pass over the corpus would take this machine more than a week, a month, or the time that is left."""
    if c.access == Access.API or not c.gpus or c.params_b is None or not c.corpus_tokens:
        return None
    speed = sum(_FLOPS_LARGE if (gpu.vram_gb or 80) >= 40 else _FLOPS_SMALL for gpu in c.gpus)
    hours = 6 * c.params_b * 1e9 * c.corpus_tokens / speed / 3600
    beyond = hours > min(MONTH, MONTH if c.constraints.deadline_h is None else c.constraints.deadline_h)
    if not beyond and hours <= WEEK:
        return None
    return vote((CPT, -80 if beyond else -20), hours=round(hours), tokens=c.corpus_tokens)


_CPT_FULL, _CPT_LORA, _CPT_QLORA = both(CPT, FULL), both(CPT, LORA), both(CPT, QLORA)
