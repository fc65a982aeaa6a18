"""Every number of the recipe stands at the top of the script under its own name, with the reason where one is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tuner_tui.export.source import Source
from tuner_tui.safe import clean

TEXTS = ("REVISION", "EVAL_FILE", "QUANT")
BETA = 0.1  # what our own preference training takes when the recipe gives none


def settings(source: Source, here: str, *, bundled: bool = False) -> str:
    """The constants of the script, by section. `here`: code for the folder that relative files lie in."""
    why = source.recipe.why
    lines = [f"HERE = {here}"]
    for title, values in sections(source, bundled):
        lines += ["", f"# {title}"]
        for name, (value, key) in values.items():
            lines += [f"# {clean(line, 110)}" for line in why.get(key, "").splitlines()]
            lines.append(f"{name}{annotation(name, value)} = {literal(value)}")
    return "\n".join(lines).strip("\n")


def annotation(name: str, value: Any) -> str:
    """A type where the value alone does not tell one."""
    if value in ({}, []):
        return ": dict[str, str]" if value == {} else ": list[str]"
    if value is not None:
        return ""
    return ": str | None" if name in TEXTS else ": bool | None" if name == "LIGER" else ": int | None"


def literal(value: Any) -> str:
    """Python's own words for a value; text is quoted as JSON quotes it, which Python reads the same way."""
    if isinstance(value, str | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def data_file(source: Source, name: str | None, bundled: bool) -> str | None:
    """Where the script finds a data file: in `data/` beside it, else where the recipe has it."""
    if name is None:
        return None
    return f"data/{Path(name).name}" if bundled else str(source.file(name))


def sections(source: Source, bundled: bool) -> list[tuple[str, dict[str, tuple[Any, str]]]]:
    """(title, name -> (value, the recipe's key))."""
    recipe = source.recipe
    model, data, adapter, train, judged = recipe.model, recipe.data, recipe.adapter, recipe.train, recipe.evaluation
    local = source.file(model.id)
    return [
        (
            "Which model, which data",
            {
                "NAME": (source.name, "name"),
                "LABEL": (recipe.label, "label"),
                "MODEL": (str(local) if local.is_dir() else model.id, "model.id"),
                "REVISION": (model.revision, "model.revision"),
                "TRUST_REMOTE_CODE": (model.runs_code, "model.trust_remote_code"),
                "TRAIN_FILE": (data_file(source, data.train, bundled), "data.train"),
                "EVAL_FILE": (data_file(source, data.eval, bundled), "data.eval"),
                "EVAL_FRACTION": (data.eval_fraction, "data.eval_fraction"),
                "COLUMNS": (dict(data.mapping), "data.mapping"),
                "SEED": (recipe.seed, "seed"),
            },
        ),
        (
            "What is trained",
            {
                "TECHNIQUE": (str(recipe.parsed_label.technique), "label"),
                **{name.upper(): (value, f"adapter.{name}") for name, value in _fields(adapter)},
            },
        ),
        (
            "How it is trained",
            {
                **{name.upper(): (value, f"train.{name}") for name, value in _fields(train)},
                "BETA": (train.beta or BETA, "train.beta"),
                "PRECISION": (str(train.precision), "train.precision"),
            },
        ),
        (
            "How it is judged",
            {
                "MAX_EVAL_ROWS": (judged.max_items, "evaluation.max_items"),
                "MAX_NEW_TOKENS": (judged.max_new_tokens, "evaluation.max_new_tokens"),
                "SAMPLES": (judged.samples, "evaluation.samples"),
            },
        ),
    ]


def _fields(part: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(part, name)) for name in part.__struct_fields__]
