"""Knowledge: facts belong in the context, behaviour in the weights; training facts in is the exception."""

from __future__ import annotations

from advisor.candidates import (
    CLOSED_BOOK,
    CPT,
    CPT_ALONE,
    FEW,
    FT,
    RAG,
    RAG_FT,
    RETRIEVES,
    TUNES,
    ZERO,
    both,
    but,
    plans,
)
from advisor.case import KNOWLEDGE_GOALS, Case, may_reach, reaches, some
from advisor.facts import Changes, Goal, Tried
from advisor.rules.rule import Outcome, Status, rule, veto, vote
from advisor.rules.sources import (
    BALAGUER,
    BRIEF_KINDS,
    BRIEF_RAG,
    COOKBOOK_QA,
    DEVDAY,
    GEKHMAN,
    META,
    MORGAN_STANLEY,
    OPENAI_ACCURACY,
    OVADIA,
    RAFT,
    SOUDANI,
    WECHAT,
)

_FT_ON_PAIRS = but(FT, CPT)
_READS_PASSAGES = but(RAG_FT, CPT_ALONE)
"""Plans that train the model to answer from what was looked up; raw text alone does not."""
_QUESTIONS_ALONE = both(FT, plans("domain_qa"))
_SETTLED = (Tried.INSUFFICIENT, Tried.WORKS_BUT_COSTLY)


@rule(
    "KNO001",
    reads=("goals", "knowledge.needs_citations", "knowledge.fits_in_context"),
    sources=(OVADIA, SOUDANI),
    figures={"base": 48.1, "looked_up": 87.5, "trained": 50.4},
)
def facts_are_missing(c: Case) -> Outcome | None:
    """The answers need facts that the model does not hold."""
    if not c.knowledge_gap or c.pastes:
        return None
    return vote((RETRIEVES, 25), (ZERO, -16), (FEW, -12), (FT, -12))


@rule(
    "KNO002",
    reads=("goals", "knowledge.changes", "knowledge.needs_citations"),
    sources=(OVADIA, BRIEF_RAG),
    figures={"looked_up": 87.5, "trained": 50.4},
)
def facts_change_fast(c: Case) -> Outcome | None:
    """What is trained in today is out of date tomorrow."""
    return vote((RETRIEVES, 15), (FT, -15)) if c.knowledge_gap and c.fast else None


@rule(
    "KNO003",
    reads=("knowledge.needs_citations", "knowledge.fits_in_context"),
    sources=(MORGAN_STANLEY, META),
    figures={"people": "16,000", "documents": "100,000"},
)
def answers_must_cite(c: Case) -> Outcome | None:
    """Weights cannot name the document that an answer comes from, nor can a prompt that does not hold it."""
    if not c.knowledge.needs_citations:
        return None
    return veto(CLOSED_BOOK if c.knowledge.fits_in_context is False else FT, (RETRIEVES, 20), (CLOSED_BOOK, -20))


@rule(
    "KNO004",
    reads=("goals", "knowledge.fits_in_context", "knowledge.needs_citations"),
    sources=(COOKBOOK_QA,),
    figures={"share": 50},
)
def facts_fit_the_prompt(c: Case) -> Outcome | None:
    """The whole material fits one prompt: paste it; an index or a training run adds only work."""
    return vote((FEW, 30), (ZERO, 26), (RAG_FT, -8), (FT, -8)) if c.pastes else None


@rule(
    "KNO005",
    reads=("goals", "history.rag", "knowledge.needs_citations"),
    sources=(RAFT, BALAGUER),
    figures={"gain": 35},
)
def retrieval_fell_short(c: Case) -> Outcome | None:
    """Retrieval alone was measured and is not enough: train the model to use what is retrieved."""
    return vote((RAG, -22), (_READS_PASSAGES, 12)) if c.knowledge_gap and c.rag == Tried.INSUFFICIENT else None


@rule("KNO006", reads=("history.rag",), sources=(DEVDAY,), figures={"before": 45, "after": 98})
def retrieval_works(c: Case) -> Outcome | None:
    """Do not train: retrieval already reaches the goal."""
    return vote((RAG, 40), (TUNES, -30)) if c.rag == Tried.WORKS else None


@rule(
    "KNO007",
    reads=("goals", "knowledge.needs_citations", "history.prompting", "history.rag", "data.instruction_pairs"),
    sources=(BALAGUER, OPENAI_ACCURACY),
    figures={"ft_points": 6, "rag_points": 5, "least": 100},
)
def both_gaps(c: Case) -> Outcome | None:
    """Facts and behaviour are both missing, measured, with examples at hand: the two gains add up."""
    behaviour = c.wants or Goal.COST_LATENCY in c.goals
    measured = c.prompting in _SETTLED or c.rag in _SETTLED
    if not (c.knowledge_gap and behaviour and measured and may_reach(c.pairs, 100)):
        return None
    return vote((RAG_FT, 12))


@rule(
    "KNO008",
    reads=("goals", "knowledge.needs_citations", "knowledge.fits_in_context", "history.prompting", "history.rag"),
    sources=(DEVDAY, BRIEF_RAG),
    figures={"before": 45, "after": 98},
)
def retrieve_before_tuning(c: Case) -> Outcome | None:
    """Nothing measured yet: build retrieval first and let its score say whether tuning is worth adding."""
    if not c.knowledge_gap or c.pastes or c.prompting in _SETTLED or c.rag in _SETTLED:
        return None
    return vote((RAG, 24 if c.first in KNOWLEDGE_GOALS else 14))


@rule(
    "KNO009",
    reads=("goals", "knowledge.needs_citations", "knowledge.changes", "data.documents", "knowledge.corpus_tokens"),
    sources=(OPENAI_ACCURACY,),
    figures={"before": 87, "after": 83},
)
def no_facts_are_missing(c: Case) -> Outcome | None:
    """Retrieval without a knowledge gap adds distraction, not knowledge."""
    if c.knowledge_gap or not c.goals:
        return None
    looked_up = c.documents and c.knowledge.changes not in (None, Changes.STATIC)
    if looked_up and c.knowledge.changes == Changes.FAST:
        return None
    return vote((RAG, -16), (RAG_FT, -6)) if looked_up else vote((RAG, -24), (RAG_FT, -20))


@rule(
    "KNO010",
    reads=("data.documents", "knowledge.corpus_tokens", "knowledge.needs_citations", "goals"),
    sources=(OPENAI_ACCURACY,),
    status=Status.PRACTICE,
    figures={"before": 87, "after": 83},
)
def nothing_to_retrieve(c: Case) -> Outcome | None:
    """No documents are at hand: retrieval has nothing to find until they are collected, and none are missed."""
    if c.documents:
        return None
    needless = bool(c.goals) and not c.knowledge_gap
    return veto(RETRIEVES) if needless else vote((RAG, -8), (RAG_FT, -14))


@rule(
    "KNO011",
    reads=("goals", "knowledge.needs_citations", "data.instruction_pairs"),
    sources=(GEKHMAN, BRIEF_RAG),
    figures={"messages": "140,000"},
)
def pairs_cannot_teach_facts(c: Case) -> Outcome | None:
    """Pairs that state facts new to the model teach it to make things up."""
    return vote((_FT_ON_PAIRS, -14)) if c.knowledge_gap and some(c.pairs) else None


@rule(
    "KNO012",
    reads=("goals", "knowledge.needs_citations", "knowledge.corpus_tokens", "knowledge.changes"),
    sources=(WECHAT,),
    figures={"files": "163,746"},
)
def large_or_growing_body_of_work(c: Case) -> Outcome | None:
    """A task over a large or growing body of one's own work (a code base): look it up first, then train the rest."""
    large = c.corpus_tokens is not None and c.corpus_tokens >= 100_000_000
    if not c.knowledge_gap or Goal.TASK_SKILL not in c.goals or not (large or c.fast):
        return None
    return vote((RETRIEVES, 6), (RAG, 4))


@rule(
    "KNO013",
    reads=("goals", "knowledge.needs_citations", "knowledge.changes", "data.documents", "knowledge.corpus_tokens"),
    sources=(OVADIA, WECHAT),
    status=Status.JUDGEMENT,
    figures={"looked_up": 87.5, "trained": 50.4},
)
def work_rests_on_changing_documents(c: Case) -> Outcome | None:
    """The goal is behaviour, and documents that change fast are at hand: the work rests on what they say today."""
    behind = bool(c.goals) and not c.knowledge_gap and c.documents and c.knowledge.changes == Changes.FAST
    return vote((RETRIEVES, 14), (ZERO, -4)) if behind else None


@rule(
    "KNO014",
    reads=(
        "goals",
        "knowledge.needs_citations",
        "knowledge.fits_in_context",
        "knowledge.changes",
        "knowledge.corpus_tokens",
        "data.documents",
        "data.instruction_pairs",
        "constraints.latency",
        "history.prompting",
        "history.rag",
    ),
    sources=(BALAGUER, BRIEF_KINDS, GEKHMAN),
    status=Status.JUDGEMENT,
    figures={"least": 1000, "gain": 6},
)
def settled_facts_and_nothing_to_look_up(c: Case) -> Outcome | None:
    """Facts that do not change, many questions with answers, and no retrieval to be had: training is what is left."""
    if not c.knowledge_gap or c.pastes or c.fast or c.knowledge.needs_citations or not reaches(c.pairs, 1000):
        return None
    if c.knowledge.changes not in (None, Changes.STATIC):
        return None
    no_time = c.strict and c.rag in _SETTLED
    nothing = not c.documents and c.prompting == Tried.INSUFFICIENT and Goal.DOMAIN_LANGUAGE in c.goals
    spent = not c.documents and c.rag == Tried.INSUFFICIENT
    return vote((_QUESTIONS_ALONE, 36), (RETRIEVES, -20)) if no_time or nothing or spent else None
