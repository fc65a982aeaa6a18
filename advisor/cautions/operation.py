"""What the place of work brings with it: providers, premises, citations, form."""

from __future__ import annotations

from advisor.case import reaches
from advisor.cautions.caution import Params, Seen, caution, when
from advisor.facts import Access, Changes, Goal, Tried
from advisor.rules.sources import (
    AIRTRAIN,
    AZURE,
    COHERE_CLOSED,
    MS_LESSON,
    OPENAI_CLOSING,
    OPENAI_STRUCTURED,
    SOUDANI,
)


@caution("data_leaves_premises", AIRTRAIN)
def prompts_leave_too(s: Seen) -> Params:
    """The data may not leave, and the model runs at a provider."""
    return when(s.case.on_prem and s.case.access in (Access.API, Access.API_FT))


@caution("hosted_tuning_closing", OPENAI_CLOSING, COHERE_CLOSED)
def hosted_tuning_ends(s: Seen) -> Params:
    """The model is tuned at its provider, and providers are ending that."""
    return when(s.case.access == Access.API_FT)


@caution("closed_model_limits", MS_LESSON)
def closed_model_leaves_the_prompt(s: Seen) -> Params:
    """Examples to learn from are there, the prompt fell short, and the model admits nothing but a better prompt."""
    spent = s.case.prompting == Tried.INSUFFICIENT
    left = not s.label.tunes and not s.retrieves
    return when(s.case.access == Access.API and spent and left and reaches(s.case.pairs, 50))


@caution("measure_retrieval", SOUDANI)
def retrieval_is_a_part_of_its_own(s: Seen) -> Params:
    """Something is looked up."""
    return when(s.retrieves)


@caution("constrained_decoding", OPENAI_STRUCTURED)
def form_without_training(s: Seen) -> Params:
    """Form is asked for."""
    return when(Goal.FORMAT in s.case.goals)


@caution("retune_on_change", AZURE)
def tuning_is_repeated(s: Seen) -> Params:
    """What is trained rests on knowledge that moves."""
    return when(s.label.tunes and s.case.knowledge.changes in (Changes.SLOW, Changes.FAST))


@caution("budget_limit", MS_LESSON)
def money_is_limited(s: Seen) -> Params:
    """A budget was named and something would be trained."""
    budget = s.case.constraints.budget_usd
    return when(s.label.tunes and budget is not None, budget=budget)


@caution("deadline_limit", MS_LESSON)
def time_is_limited(s: Seen) -> Params:
    """A deadline was named and something would be trained."""
    hours = s.case.constraints.deadline_h
    return when(s.label.tunes and hours is not None, hours=hours)
