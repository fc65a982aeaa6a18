"""A recipe of an earlier version is read as what it meant, step by step; what a step changed is told, never hidden.

`version` is raised whenever a recipe that was legal before would be refused or mean something else afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.words import Words

VERSION = 2


class Upgrade(msgspec.Struct, frozen=True, kw_only=True):
    """One change that a step made: the recipe's key, what stood there, and what stands there now."""

    to: int
    key: str
    before: Any
    after: Any

    def text(self, words: Words) -> str:
        """Why, in words."""
        return words.say(f"upgrade.{self.to}.{self.key}", before=self.before, after=self.after)


Step = Callable[[dict[str, Any]], tuple[dict[str, Any], list[Upgrade]]]


def upgraded(raw: dict[str, Any], source: str) -> tuple[dict[str, Any], list[Upgrade]]:
    """The recipe in this version's form and what was changed; one without `version` is of this version.

    InputError when it is newer than this tuner, or its version is none.
    """
    version = raw.get("version", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        detail = f"{VERSION} >= version >= 1"
        raise InputError("recipe.value", source=source, key="version", detail=detail)
    if version > VERSION:
        raise InputError("recipe.newer", source=source, version=version, known=VERSION)
    changes: list[Upgrade] = []
    for step in STEPS[version - 1 :]:
        raw, found = step(raw)
        changes += found
    return {**raw, "version": VERSION} if "version" in raw else raw, changes


def _name_the_model(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Upgrade]]:
    """Version 2: a model's own code is run where the model is named, and a name leads to no other folder.

    In version 1 `trust_remote_code: true` was enough. It is not carried over: whoever wrote the recipe may be somebody
    else, and the code runs with the rights of whoever runs it.
    """
    changes: list[Upgrade] = []
    model, name = raw.get("model"), raw.get("name")
    if isinstance(model, dict) and model.get("trust_remote_code") is True:
        raw = {**raw, "model": {**model, "trust_remote_code": False}}
        changes.append(Upgrade(to=2, key="model.trust_remote_code", before=True, after=model.get("id")))
    if isinstance(name, str) and name:
        plain = re.sub(r"[/\\\x00-\x1f\x7f]+", "-", name)[:100]
        if plain != name:
            raw = {**raw, "name": plain}
            changes.append(Upgrade(to=2, key="name", before=name, after=plain))
    return raw, changes


STEPS: tuple[Step, ...] = (_name_the_model,)
