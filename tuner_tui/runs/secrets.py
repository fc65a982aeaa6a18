"""A recipe is copied into every run folder and export: a key or token in it is refused before it can be written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe

# Hugging Face, OpenAI and Anthropic, AWS, GitHub, GitLab, Slack, Google, and keys in PEM.
_SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}"
    r"|\bglpat-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY"
)


def refuse_secrets(recipe: Recipe, source: str) -> None:
    """InputError that names the key, never the secret."""
    for key, value in _texts(msgspec.to_builtins(recipe), ""):
        if _SECRET.search(value):
            raise InputError("runs.secret", source=source, key=key)


def _texts(part: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, value in part.items():
            where = f"{key}.{name}" if key else str(name)
            if _SECRET.search(str(name)):
                yield key or "recipe", str(name)
            yield from _texts(value, where)
    elif isinstance(part, list):
        for at, value in enumerate(part):
            yield from _texts(value, f"{key}[{at}]")
    elif isinstance(part, str):
        yield key, part
