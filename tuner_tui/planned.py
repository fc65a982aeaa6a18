"""A recipe by rule rests on what the files themselves say: rows and lengths counted, the model's width and context."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from advisor.defaults import plan_recipe
from advisor.facts import Data, Facts
from advisor.methods import parse_label
from advisor.recipe import DataSpec, EvalSpec, ModelSpec, Recipe
from advisor.setting import Known
from tuner_tui.inspect import Inspection, inspect
from tuner_tui.inspect.fit import check_fits
from tuner_tui.inspect.model import read_model
from tuner_tui.practice_data import practice_data


def planned(facts: Facts, label: str, model: ModelSpec, data: DataSpec, lang: str) -> tuple[Recipe, int]:
    """The recipe and its usable rows; InputError when the data does not suit the label."""
    parsed = parse_label(label)
    known = read_model(model.id)
    folder = known.folder if known.can_count else None
    found = _inspected(data.train, folder, lang, _stamp(data.train))
    check_fits(found, parsed, data.train)
    facts = msgspec.structs.replace(facts, data=_counted(facts.data, found.facts))
    recipe = plan_recipe(
        facts,
        label,
        model,
        msgspec.structs.replace(data, mapping=found.mapping),
        rows=found.usable_rows,
        tokens_p95=found.tokens.p95 if found.tokens else None,
        name="run",
        known=Known(
            hidden_size=known.hidden_size,
            family=known.family,
            context=known.context,
            tokens_max=found.tokens.max if found.tokens else None,
            tokens_mean=found.tokens.mean if found.tokens else None,
            answer_tokens_max=found.answer_tokens.max if found.answer_tokens else None,
            kind=found.kind,
            numbered=found.numbered,
            evaluation=_practice_scoring(label, data),
        ),
        lang=lang,
    )
    return recipe, found.usable_rows


@lru_cache(maxsize=8)
def _inspected(path: str, folder: Path | None, lang: str, stamp: int) -> Inspection:
    """Counting tokens takes a while, so an unchanged file is counted once."""
    return inspect(path, model=folder, lang=lang)


def _stamp(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def _counted(told: Data, found: Data) -> Data:
    counts = {name: count for name, count in msgspec.structs.asdict(found).items() if count}
    return msgspec.structs.replace(told, **counts)


def _practice_scoring(label: str, data: DataSpec) -> EvalSpec | None:
    """The practice data say themselves what a right answer looks like."""
    parsed = parse_label(label)
    practice = practice_data(parsed.objectives[-1], parsed.approach) if parsed.tunes else None
    return practice.evaluation if practice and practice.data.train == data.train else None
