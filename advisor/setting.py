"""What the rules of a new recipe look at: facts, label, rows and lengths; and the reasons that they leave behind."""

from __future__ import annotations

import msgspec

from advisor.facts import Facts
from advisor.methods import Label, Objective, Technique
from advisor.recipe import DataSpec, EvalSpec
from advisor.words import Words

VIRTUAL = (Technique.PREFIX, Technique.PROMPT)
PREFERENCE = (Objective.DPO, Objective.ORPO, Objective.KTO)
REINFORCED = (Objective.GRPO, Objective.RLHF_PPO)
SMALL_B, LARGE_B = 0.05, 1.0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was read about model and data; None = not known. Tokens count prompt and answer with the chat template.

    `numbered`: the answers are numbers, alone or set apart from the reasoning before them (GSM8K's form).
    """

    hidden_size: int | None = None
    family: str | None = None
    context: int | None = None
    tokens_max: int | None = None
    tokens_mean: float | None = None
    answer_tokens_max: int | None = None
    kind: str | None = None
    numbered: bool = False
    evaluation: EvalSpec | None = None


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A stage's own file: its usable rows, the 95th percentile of their tokens, and what else was read of it."""

    data: DataSpec
    rows: int | None
    tokens_p95: int | None
    known: Known = Known()


class Setting:
    """What the rules look at, and the reasons they leave behind."""

    def __init__(self, facts: Facts, label: Label, rows: int | None, p95: int | None, known: Known, say: Words) -> None:
        self.facts, self.label, self.rows, self.p95, self.known, self.say = facts, label, rows, p95, known, say
        self.technique = label.technique or Technique.LORA
        self.params_b = facts.model.params_b or None
        self.gpu = bool(facts.hardware.gpus)
        self.why: dict[str, str] = {}

    @property
    def large(self) -> bool:
        """A model of a billion parameters or more; unknown counts as large."""
        return self.params_b is None or self.params_b >= LARGE_B

    def because(self, field: str, reason: str, **params: object) -> None:
        """Keep why a field has its value."""
        self.why[field] = self.say.say(f"why.{reason}", **params)

    def beside(self, own: Material | None = None) -> Setting:
        """The same setting for other rows, or for another way to train the same ones, its reasons kept apart."""
        if own is None:
            return Setting(self.facts, self.label, self.rows, self.p95, self.known, self.say)
        return Setting(self.facts, self.label, own.rows, own.tokens_p95, own.known, self.say)

    def take(self, prefix: str, reasons: dict[str, str]) -> None:
        """Reasons of another part, where they say something else than those of the recipe's own fields."""
        self.why |= {f"{prefix}.{field}": text for field, text in reasons.items() if self.why.get(field) != text}
