"""Cautions: what can go wrong with the answer given, or with what was asked for. Their ids are stable."""

from __future__ import annotations

from types import ModuleType

from advisor.advice import Caution
from advisor.candidates import LABELS
from advisor.case import Case
from advisor.cautions import data, known, operation, training
from advisor.cautions.caution import Seen, Warner
from advisor.explain import in_words
from advisor.tally import Tally
from advisor.words import Words

_MODULES: tuple[ModuleType, ...] = (known, operation, data, training)

CAUTIONS: tuple[Warner, ...] = tuple(
    value for module in _MODULES for value in vars(module).values() if isinstance(value, Warner)
)
BY_ID: dict[str, Warner] = {warner.id: warner for warner in CAUTIONS}
assert len(BY_ID) == len(CAUTIONS), "a caution id is used twice"


def warnings(case: Case, result: Tally, say: Words) -> list[Caution]:
    """All cautions that hold, in the registry's order: what is not known first."""
    seen = Seen(case, LABELS[result.winner], result)
    found = []
    for warner in CAUTIONS:
        params = warner.check(seen)
        if params is not None:
            words = {key: in_words(value, say) for key, value in params.items()}
            found.append(Caution(id=warner.id, text=say.say(f"warning.{warner.id}", **words)))
    return found
