"""What the data cannot carry, or carries that nobody wants."""

from __future__ import annotations

from advisor.case import some
from advisor.cautions.caution import Params, Seen, caution, when
from advisor.facts import Access, Goal
from advisor.methods import Objective
from advisor.rules.preference import CYCLE, PILOT
from advisor.rules.sources import (
    ALPACA,
    BRIEF_RAG,
    DPO_PPO,
    GEKHMAN,
    IMITATION,
    MS_LESSON,
    OPENAI_BEST,
    OPENAI_SFT,
    OVADIA,
    ROSS_LAZER,
    STEP_BY_STEP,
    SYNTHETIC_CPT,
    ZEPHYR,
)


@caution("too_few_examples", OPENAI_SFT)
def few_examples(s: Seen) -> Params:
    """There are examples, and they are few."""
    pairs = s.case.pairs
    return when(pairs is not None and 0 < pairs < 100, pairs=pairs, pilot=50)


@caution("too_few_preferences", ZEPHYR, DPO_PPO)
def few_preferences(s: Seen) -> Params:
    """There are preference pairs, and they are few."""
    prefs = s.case.prefs
    return when(prefs is not None and 0 < prefs < PILOT, prefs=prefs, pilot=PILOT)


@caution("preferences_for_a_pilot", ZEPHYR, DPO_PPO)
def preferences_for_a_pilot(s: Seen) -> Params:
    """Preferences are trained on, enough for a try and far from what the published recipes took."""
    prefs = s.case.prefs
    learned = s.has(Objective.DPO, Objective.ORPO)
    return when(learned and prefs is not None and PILOT <= prefs < CYCLE, prefs=prefs, good=CYCLE)


@caution("corpus_too_small_for_cpt", SYNTHETIC_CPT)
def corpus_small(s: Seen) -> Params:
    """There is raw text, below what continued pretraining learns from."""
    tokens = s.case.corpus_tokens
    small = tokens is not None and 0 < tokens < 1_000_000_000
    return when(small and s.case.access != Access.API, tokens=tokens, least=100_000_000)


@caution("data_quality", ROSS_LAZER, BRIEF_RAG, OPENAI_BEST)
def examples_not_checked(s: Seen) -> Params:
    """Examples would be learned from, or are offered as knowledge."""
    return when(some(s.case.pairs) and (s.label.tunes or s.case.knowledge_gap))


@caution("new_facts_hallucinate", GEKHMAN)
def facts_by_training(s: Seen) -> Params:
    """Facts are missing, and training on them is near."""
    return when(s.case.knowledge_gap and (some(s.case.pairs) or s.label.tunes))


@caution("stale_knowledge", OVADIA, MS_LESSON)
def trained_facts_age(s: Seen) -> Params:
    """The knowledge changes fast, and something is trained in."""
    return when(s.case.fast and s.label.tunes)


@caution("overfitting", OPENAI_SFT, BRIEF_RAG)
def little_data(s: Seen) -> Params:
    """Fewer than a thousand examples are trained on."""
    pairs = s.case.pairs
    return when(s.label.tunes and pairs is not None and 0 < pairs < 1000, pairs=pairs, low=10, high=20)


@caution("teacher_terms", STEP_BY_STEP, IMITATION)
def teacher_licence(s: Seen) -> Params:
    """A teacher's answers would be trained on."""
    return when(s.has(Objective.DISTILL) or (bool(s.case.teacher) and s.label.tunes))


@caution("imitation_limits", IMITATION)
def imitation_is_narrow(s: Seen) -> Params:
    """Distillation over many topics copies the manner, not the knowledge."""
    broad = s.case.wants_goal(Goal.INSTRUCTION_FOLLOWING, Goal.INJECT_FACTS, Goal.PREFERENCE_ALIGNMENT)
    return when(s.has(Objective.DISTILL) and broad)


@caution("language_coverage", ALPACA)
def base_may_not_know_the_language(s: Seen) -> Params:
    """A language or domain language is the goal, and the base decides more than the data."""
    return when(Goal.DOMAIN_LANGUAGE in s.case.goals and s.label.tunes)
