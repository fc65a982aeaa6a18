"""What is not known, not measured, or said twice in different ways: the answer stands on it."""

from __future__ import annotations

from advisor.case import KNOWLEDGE_GOALS, may_reach, some
from advisor.cautions.caution import Params, Seen, caution, when
from advisor.confidence import TOO_MUCH, unknown_facts
from advisor.facts import Access, BaseSuccess, Changes, Goal, Tried
from advisor.rules.sources import (
    COOKBOOK_QA,
    DPO_PPO,
    HAMEL,
    KTO_PAPER,
    MS_LESSON,
    OPENAI_ACCURACY,
    OPENAI_SFT,
    OVADIA,
    TENSOROPS,
)

_WINDOW = 500_000
"""Tokens: half of the longest windows in common use (1 M), the share that the OpenAI cookbook leaves for material."""
_NOT_MEASURED = (None, Tried.UNTRIED)
_ASKED = 5
"""Facts that are asked for at once."""


@caution("not_enough_known", MS_LESSON)
def too_much_unknown(s: Seen) -> Params:
    """So little is known of what bears on the answer that the advice asks before it answers."""
    unknown = unknown_facts(s.case, s.label)
    asks = not s.case.goals or sum(weight for _, weight in unknown) >= TOO_MUCH
    return when(asks, facts=tuple(f"fact.{path}" for path, _ in unknown[:_ASKED]))


@caution("no_baseline", OPENAI_SFT, MS_LESSON, HAMEL)
def baseline_not_measured(s: Seen) -> Params:
    """Training is advised and prompting was never measured: the advice is provisional."""
    return when(s.label.tunes and s.case.prompting in _NOT_MEASURED)


@caution("collect_examples", OPENAI_SFT)
def too_little_to_train_on(s: Seen) -> Params:
    """Prompting is spent, and what could be trained on is not there."""
    spent = s.case.prompting in (Tried.INSUFFICIENT, Tried.WORKS_BUT_COSTLY)
    untaught = s.case.wants and not may_reach(s.case.pairs, 50) and not s.label.tunes
    return when(spent and untaught and s.case.access != Access.API, low=50, good=1000)


@caution("collect_preferences", KTO_PAPER, DPO_PPO)
def preferences_never_recorded(s: Seen) -> Params:
    """Preferences are a goal and nobody recorded any."""
    nothing = not some(s.case.prefs) and not some(s.case.binary)
    return when(Goal.PREFERENCE_ALIGNMENT in s.case.goals and nothing, low=100, good=1000)


@caution("collect_documents", OVADIA)
def documents_missing(s: Seen) -> Params:
    """The goal is knowledge and there are no documents."""
    asked = s.case.wants_goal(*KNOWLEDGE_GOALS) or bool(s.case.knowledge.needs_citations)
    return when(not s.case.documents and asked)


@caution("contradiction_window", COOKBOOK_QA)
def fits_and_does_not_fit(s: Seen) -> Params:
    """All is said to fit one prompt, and the corpus is larger than any window."""
    tokens = s.case.corpus_tokens
    return when(bool(s.case.knowledge.fits_in_context) and tokens is not None and tokens > _WINDOW, tokens=tokens)


@caution("contradiction_documents", OVADIA)
def text_without_documents(s: Seen) -> Params:
    """Raw text is counted and documents are said to be none."""
    tokens = s.case.corpus_tokens
    return when(bool(tokens) and not some(s.case.data.documents), tokens=tokens)


@caution("contradiction_changes", OVADIA)
def fresh_and_static(s: Seen) -> Params:
    """What changes is to be known, and the knowledge is said not to change."""
    return when(Goal.FRESH_KNOWLEDGE in s.case.goals and s.case.knowledge.changes == Changes.STATIC)


@caution("contradiction_tuned_closed", MS_LESSON)
def tuned_what_cannot_be_tuned(s: Seen) -> Params:
    """Tuning was tried, and the model is said to be closed to it."""
    return when(s.case.access == Access.API and s.case.sft not in _NOT_MEASURED)


@caution("contradiction_success", TENSOROPS)
def works_and_never_succeeds(s: Seen) -> Params:
    """Prompting is said to work, and the model never to succeed."""
    works = s.case.prompting in (Tried.WORKS, Tried.WORKS_BUT_COSTLY)
    return when(works and s.case.base_success == BaseSuccess.ZERO)


@caution("contradiction_both_work", OPENAI_ACCURACY)
def works_and_asks_for_more(s: Seen) -> Params:
    """Prompting already works and so does tuning: the cheaper of the two is enough."""
    return when(s.case.prompting == Tried.WORKS and s.case.sft in (Tried.WORKS, Tried.WORKS_BUT_COSTLY))
