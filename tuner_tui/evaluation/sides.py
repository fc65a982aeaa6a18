"""The questions of a comparison, and the training rows where a lane shows some: read as training reads them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import DataSpec, Metric, Recipe
from tuner_tui.evaluation.example import Example
from tuner_tui.words import words


def rows_of(recipe: Recipe, *, shown: bool, run: Path | None = None) -> tuple[list[Example], list[Example]]:
    """Training rows and questions; where the questions have a file of their own and no row is `shown`, only these.

    `run` is the folder of the run that trained: it keeps what a teacher answered.
    """
    train, held_out = _read(recipe, shown=shown)
    if run is None or recipe.parsed_label.stages[-1:] != ((Objective.DISTILL,),):
        return train, held_out
    from tuner_tui.training import data, distill

    blank = data.Split(train=train, held_out=held_out, unusable=[], leaked=[], sha256="")
    taught = distill.recall(distill.kept_answers(run), recipe.teacher, blank)
    return taught.train, taught.held_out


def _read(recipe: Recipe, *, shown: bool) -> tuple[list[Example], list[Example]]:
    from tuner_tui.training import data

    reader = _reader(recipe)
    if recipe.data.eval is None or shown:
        split = data.load(recipe, reader, words().say)
        return split.train, split.held_out
    found, _ = data.read_examples(Path(recipe.data.eval).expanduser(), recipe.data, reader, words().say)
    return [], data.choose(found, recipe.evaluation.max_items, recipe.seed)


def _reader(recipe: Recipe) -> Any:
    """Questions, answered or not, unless the metric or the objective needs more than those."""
    from tuner_tui.training import formats

    last = recipe.parsed_label.stages[-1:]
    if recipe.evaluation.metric is Metric.PREFERENCE:
        return formats.feedback if last == ((Objective.KTO,),) else formats.preferences
    return formats.texts if last == ((Objective.CPT,),) else formats.questions


def seen_of(trained: DataSpec, asked: Sequence[Example]) -> int:
    """How many of the questions stand in the training file; 0 where it is gone or cannot be read."""
    from tuner_tui.training import data
    from tuner_tui.training.formats import questions

    try:
        known, _ = data.read_examples(Path(trained.train).expanduser(), trained, questions, words().say)
    except (InputError, OSError):
        return 0
    keys = {data.key_of(example) for example in known}
    return sum(data.key_of(example) in keys for example in asked)


def raw_rows(recipe: Recipe, held_out: Sequence[Example]) -> list[dict[str, Any]]:
    """The raw rows of the held-out examples: what else they say (`doc`, `group`)."""
    from tuner_tui.training.rows import read_rows

    known = dict(read_rows(Path(recipe.data.eval or recipe.data.train).expanduser()))
    return [known.get(example.row, {}) for example in held_out]


def doc_of(row: dict[str, Any]) -> str | None:
    """The document that holds a question's answer, as passages cite it; None where the row names none."""
    return None if row.get("doc") is None else unicodedata.normalize("NFC", str(row["doc"]))
