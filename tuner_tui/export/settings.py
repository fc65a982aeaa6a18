"""Every number of the recipe stands at the top of the script under its own name, with the reason where one is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from advisor.methods import Objective
from advisor.recipe import Check, Recipe
from tuner_tui.export.source import Source
from tuner_tui.safe import clean

TEXTS = ("REVISION", "EVAL_FILE", "QUANT", "BEGIN", "REWARD_PATTERN", "REWARD_PYTHON")
BETAS = {Objective.GRPO: 0.0, Objective.RLHF_PPO: 0.05}  # what our own training takes when the recipe gives none
BETA = 0.1  # and for preferences


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
    if name == "REWARD_TRAIN":
        return ": dict[str, Any]"
    if value in ({}, []):
        return ": dict[str, str]" if value == {} else ": list[str]"
    if value is not None:
        return ""
    return ": str | None" if name in TEXTS else ": bool | None" if name == "LIGER" else ": int | None"


def literal(value: Any) -> str:
    """Python's own words for a value; text is quoted as JSON quotes it, which Python reads the same way."""
    if isinstance(value, str | list) or (
        isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    ):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def data_file(source: Source, name: str | None, bundled: bool) -> str | None:
    """Where the script finds a data file: in `data/` beside it, else where the recipe has it."""
    if name is None:
        return None
    if not bundled:
        return str(source.file(name))
    data, short = source.recipe.data, Path(name).name
    taken = name != data.train and short == Path(data.train).name
    return f"data/{'eval-' if taken else ''}{short}"


def folder(source: Source, name: str) -> str:
    """A folder of this machine by its whole path; any other name (a hub id, what is still to be made) as it is."""
    return str(source.file(name)) if source.file(name).is_dir() else name


def sections(source: Source, bundled: bool) -> list[tuple[str, dict[str, tuple[Any, str]]]]:
    """(title, name -> (value, the recipe's key))."""
    recipe = source.recipe
    model, data, adapter, train, judged = recipe.model, recipe.data, recipe.adapter, recipe.train, recipe.evaluation
    return [
        (
            "Which model, which data",
            {
                "NAME": (source.name, "name"),
                "LABEL": (recipe.label, "label"),
                "MODEL": (folder(source, model.id), "model.id"),
                "REVISION": (model.revision, "model.revision"),
                "TRUST_REMOTE_CODE": (model.runs_code, "model.trust_remote_code"),
                "BEGIN": (folder(source, model.adapter) if model.adapter else None, "model.adapter"),
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
                "BETA": (beta_of(recipe), "train.beta"),
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
        *earned(source, bundled),
    ]


def earned(source: Source, bundled: bool) -> list[tuple[str, dict[str, tuple[Any, str]]]]:
    """What earns a reward, where there is one: a check, or a reward model with its own numbers (none: the recipe's)."""
    own = source.recipe.reward.train
    numbers = {} if own is None else msgspec.to_builtins(own)
    return {
        Objective.GRPO: [("What earns a reward", rewards(source, bundled))],
        Objective.RLHF_PPO: [("How the reward model is trained", {"REWARD_TRAIN": (numbers, "reward.train")})],
    }.get(source.recipe.parsed_label.objectives[0], [])


def beta_of(recipe: Recipe) -> float:
    """The recipe's `beta`, else what our own training takes for its objective."""
    return recipe.train.beta or BETAS.get(recipe.parsed_label.objectives[0], BETA)


def rewards(source: Source, bundled: bool) -> dict[str, tuple[Any, str]]:
    """How an answer is checked; the file of one's own function is found as data files are."""
    spec = source.recipe.reward
    file, _, name = (spec.python or "").rpartition(":")
    own = spec.check is Check.PYTHON
    return {
        "REWARD_CHECK": (str(spec.check), "reward.check"),
        "REWARD_PATTERN": (spec.pattern, "reward.pattern"),
        "REWARD_PYTHON": (f"{data_file(source, file, bundled)}:{name}" if own else None, "reward.python"),
    }


def _fields(part: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(part, name)) for name in part.__struct_fields__]
