"""A recipe is copied into every run folder and export: it holds no key or token, only the name of a key's variable."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.redact import SECRET, hold, redactor


def refuse_secrets(recipe: Recipe, source: str) -> None:
    """InputError that names the key, never the secret."""
    keyless = redactor()
    for key, value in _texts(msgspec.to_builtins(recipe), ""):
        if keyless(value) != value:
            raise InputError("runs.secret", source=source, key=key)


def key_of(key_env: str | None) -> str | None:
    """The key that a variable holds; InputError where it holds none. From here on nothing that is written shows it.

    Who gave the key itself in place of the variable's name does not read it again.
    """
    if key_env is None:
        return None
    key = os.environ.get(key_env, "").strip()
    if not key:
        named = re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", key_env)
        raise InputError("endpoint.key", name=key_env if named else f"{key_env[:4]}…")
    hold(key)
    return key


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
