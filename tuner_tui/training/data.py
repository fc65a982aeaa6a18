"""Held-out rows are never trained on: both sides of the split come from here and share no prompt."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import DataSpec, Recipe
from tuner_tui.evaluation.example import Example
from tuner_tui.training.formats import Reader, Unusable
from tuner_tui.training.rows import read_rows

SHOWN = 5


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """What is trained on, what it is judged by, and what was left out and why (locale key, row, params).

    `replayed` are held-out rows of earlier data; its training rows are already among `train`.
    """

    train: list[Example]
    held_out: list[Example]
    unusable: list[tuple[int, Unusable]]
    leaked: list[int]
    sha256: str
    replayed: list[Example] = []


def load(recipe: Recipe, reader: Reader, say: Any) -> Split:
    """Training and held-out examples; InputError when nothing usable is left, rows named."""
    spec = recipe.data
    path = Path(spec.train).expanduser()
    found, unusable = read_examples(path, spec, reader, say)
    if spec.eval is None:
        train, held_out = hold_out(found, spec.eval_fraction, recipe.seed)
        leaked: list[int] = []
    else:
        held_out, _ = read_examples(Path(spec.eval).expanduser(), spec, reader, say)
        train, leaked = without(found, held_out)
        if found and not train:
            raise InputError("training.all_held_out", path=path, rows=len(found), eval=spec.eval)
    if not train or not held_out:
        raise InputError("training.data_too_few", path=path, rows=len(found))
    mixed_in, replayed = replay(recipe, len(train), held_out, reader, say)
    return Split(
        train=train + mixed_in,
        replayed=replayed,
        held_out=choose(held_out, recipe.evaluation.max_items, recipe.seed),
        unusable=unusable,
        leaked=leaked,
        sha256=digest(path, *(Path(name).expanduser() for name in (spec.eval, spec.replay, spec.replay_eval) if name)),
    )


def replay(
    recipe: Recipe, rows: int, held_out: Sequence[Example], reader: Reader, say: Any
) -> tuple[list[Example], list[Example]]:
    """Earlier rows to mix in, a seeded `replay_share` of `rows`, and earlier held-out rows that are not among them."""
    spec = recipe.data
    if spec.replay is None:
        return [], []
    earlier, _ = read_examples(Path(spec.replay).expanduser(), spec, reader, say)
    if spec.replay_eval is None:
        earlier, judged = hold_out(earlier, spec.eval_fraction, recipe.seed)
    else:
        judged, _ = read_examples(Path(spec.replay_eval).expanduser(), spec, reader, say)
    earlier, _ = without(earlier, [*held_out, *judged])
    mixed_in = choose(earlier, round(rows * spec.replay_share), recipe.seed)
    return mixed_in, choose(judged, recipe.evaluation.max_items, recipe.seed)


def read_examples(
    path: Path, spec: DataSpec, reader: Reader, say: Any
) -> tuple[list[Example], list[tuple[int, Unusable]]]:
    """Usable examples of a file and the rows that are not; InputError when no row is usable."""
    found: list[Example] = []
    unusable: list[tuple[int, Unusable]] = []
    for number, row in read_rows(path):
        try:
            found += reader(number, renamed(row, spec.mapping))
        except Unusable as problem:
            unusable.append((number, problem))
    if not found:
        number, first = unusable[0]
        why = say(f"training.row.{first.code}", **first.params)
        raise InputError("training.data_unusable", path=path, row=number, why=why)
    return found, unusable


def renamed(row: dict[str, Any], mapping: dict[str, str]) -> dict[str, Any]:
    """The row with the user's columns under our names; `mapping` is our name -> their column."""
    return {**row, **{ours: row[theirs] for ours, theirs in mapping.items() if theirs in row}}


def key_of(example: Example) -> str:
    """What makes two examples the same question: how their conversation opens, up to the first user turn."""
    if isinstance(example.prompt, str):
        return example.prompt or example.completion
    opening: list[str] = []
    for turn in example.prompt:
        opening.append(turn["content"])
        if turn["role"] == "user":
            break
    return "\0".join(opening)


def hold_out(examples: Sequence[Example], fraction: float, seed: int) -> tuple[list[Example], list[Example]]:
    """A seeded share of the questions held out, at least one; examples of one question stay on one side."""
    keys = list(dict.fromkeys(key_of(example) for example in examples))
    count = min(max(round(len(keys) * fraction), 1), len(keys) - 1) if fraction else 0
    held = set(random.Random(seed).sample(keys, max(count, 0)))
    train = [example for example in examples if key_of(example) not in held]
    return train, [example for example in examples if key_of(example) in held]


def without(train: Sequence[Example], held_out: Sequence[Example]) -> tuple[list[Example], list[int]]:
    """Training examples whose question is not held out, and the rows of those that were taken away."""
    held = {key_of(example) for example in held_out}
    kept = [example for example in train if key_of(example) not in held]
    return kept, [example.row for example in train if key_of(example) in held]


def choose(examples: Sequence[Example], at_most: int, seed: int) -> list[Example]:
    """At most `at_most` examples, a seeded choice in file order."""
    if len(examples) <= at_most:
        return list(examples)
    chosen = sorted(random.Random(seed).sample(range(len(examples)), at_most))
    return [examples[index] for index in chosen]


def digest(*paths: Path) -> str:
    """One hash over the bytes of the files."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes() + b"\0")
    return total.hexdigest()
