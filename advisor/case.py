"""Case: facts as the rules read them, derived once; unknown stays None and never counts as 0."""

from __future__ import annotations

from advisor.facts import Access, BaseSuccess, Changes, Facts, Goal, Gpu, Kind, Latency, Privacy, Tried

KNOWLEDGE_GOALS = frozenset({Goal.INJECT_FACTS, Goal.FRESH_KNOWLEDGE})
BEHAVIOUR_GOALS = frozenset(
    {
        Goal.DOMAIN_LANGUAGE,
        Goal.TASK_SKILL,
        Goal.STYLE,
        Goal.FORMAT,
        Goal.INSTRUCTION_FOLLOWING,
        Goal.REFUSAL,
        Goal.REASONING,
    }
)
"""Goals that examples of answers can teach."""


def some(count: int | None) -> bool:
    """Whether there is any: a number above 0, or some of unknown number (None)."""
    return count is None or count > 0


def reaches(count: int | None, least: int) -> bool:
    """Whether there are surely at least so many."""
    return count is not None and count >= least


def may_reach(count: int | None, least: int) -> bool:
    """Whether there may be so many: enough, or some of unknown number."""
    return count is None or count >= least


class Case:
    """One set of facts with what the rules derive from it."""

    __slots__ = (
        "access",
        "base_success",
        "binary",
        "constraints",
        "corpus_tokens",
        "data",
        "documents",
        "facts",
        "fast",
        "first",
        "goals",
        "gpus",
        "history",
        "kind",
        "knowledge",
        "knowledge_gap",
        "on_prem",
        "pairs",
        "params_b",
        "pastes",
        "prefs",
        "prompting",
        "rag",
        "sft",
        "strict",
        "success_some",
        "success_zero",
        "tasks",
        "teacher",
        "unlabeled",
        "verifiable",
        "wants",
    )

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.data, self.knowledge = facts.data, facts.knowledge
        self.constraints, self.history = facts.constraints, facts.history
        self.goals: frozenset[Goal] = frozenset(facts.goals)
        self.first: Goal | None = facts.goals[0] if facts.goals else None
        self._read_data()
        self._read_history()
        model = facts.model
        self.params_b = model.params_b or None
        self.access: Access | None = model.access
        self.kind: Kind | None = model.kind
        self.gpus: list[Gpu] | None = facts.hardware.gpus
        self.strict = self.constraints.latency == Latency.STRICT
        self.on_prem = self.constraints.privacy == Privacy.ON_PREM
        self.tasks = self.constraints.n_tasks

    def _read_data(self) -> None:
        data, knowledge = self.data, self.knowledge
        self.pairs = data.instruction_pairs
        self.prefs = data.preference_pairs
        self.binary = data.binary_feedback
        self.verifiable = data.verifiable_rewards
        self.unlabeled = data.unlabeled_inputs
        self.corpus_tokens = knowledge.corpus_tokens
        self.documents = some(data.documents) or bool(knowledge.corpus_tokens)
        asked = not self.goals.isdisjoint(KNOWLEDGE_GOALS)
        self.knowledge_gap = asked or bool(knowledge.needs_citations)
        self.fast = knowledge.changes == Changes.FAST or Goal.FRESH_KNOWLEDGE in self.goals
        self.pastes = self.knowledge_gap and bool(knowledge.fits_in_context) and not knowledge.needs_citations
        self.wants = not self.goals.isdisjoint(BEHAVIOUR_GOALS)

    def _read_history(self) -> None:
        history = self.history
        self.prompting: Tried | None = history.prompting
        self.rag: Tried | None = history.rag
        self.sft: Tried | None = history.sft
        self.base_success: BaseSuccess | None = history.base_success
        self.success_some = history.base_success == BaseSuccess.SOME
        self.success_zero = history.base_success == BaseSuccess.ZERO
        self.teacher = history.teacher

    def wants_goal(self, *goals: Goal) -> bool:
        """Whether any of these goals is asked for."""
        return not self.goals.isdisjoint(goals)

    @property
    def hosted_only(self) -> bool:
        """Closed weights with a tuning service, and no machine of one's own to train another model on."""
        return self.access == Access.API_FT and not self.gpus

    @property
    def local(self) -> bool:
        """Whether training would happen on the user's own machine, so that its memory decides.

        Where nothing is said about access, the machine that was described is taken to be the one to train on.
        """
        return self.access in (Access.OPEN, None)
