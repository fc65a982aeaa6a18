"""A recipe is copied into every run folder and export: a key or token in it is refused before it can be written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.redact import SECRET


def refuse_secrets(recipe: Recipe, source: str) -> None:
    """InputError that names the key, never the secret."""
    for key, value in _texts(msgspec.to_builtins(recipe), ""):
        if SECRET.search(value):
            raise InputError("runs.secret", source=source, key=key)


def _texts(part: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, value in part.items():
            where = f"{key}.{name}" if key else str(name)
            if SECRET.search(str(name)):
                yield key or "recipe", str(name)
            yield from _texts(value, where)
    elif isinstance(part, list):
        for at, value in enumerate(part):
            yield from _texts(value, f"{key}[{at}]")
    elif isinstance(part, str):
        yield key, part
