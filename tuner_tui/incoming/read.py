"""A configuration of Axolotl, LLaMA-Factory or TRL becomes a recipe; what has no place in one is listed.

So does a recipe of an earlier version of tuner itself; what its version meant otherwise is listed too. What the file
leaves open is what its tool takes by itself, not what a recipe would.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from advisor.document import MAX_BYTES, parse_document
from advisor.errors import InputError
from advisor.recipe import Recipe, recipe_from
from advisor.upgrade import VERSION, Upgrade
from tuner_tui.incoming import data
from tuner_tui.incoming.draft import Draft, number
from tuner_tui.incoming.method import objective_of, technique_of
from tuner_tui.incoming.names import ASKS_NOTHING, AXOLOTL, AXOLOTL_ONLINE, LLAMAFACTORY, PASSED_OVER, TRL
from tuner_tui.incoming.settle import by_default, settle

OWN = "tuner"
FACTORY_ONLY = {"stage", "finetuning_type", "template", "cutoff_len", "quantization_bit", "infer_backend", "export_dir"}
TOOLS = {"axolotl": AXOLOTL, "llamafactory": LLAMAFACTORY, "trl": TRL, OWN: {}}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe, the tool it came from, the keys that found no place in it, and what an earlier version meant.

    `defaults`: keys of the recipe that the file leaves open, with what its tool takes for them.
    """

    recipe: Recipe
    tool: str
    left: dict[str, Any]
    defaults: dict[str, Any] = {}
    upgrades: list[Upgrade] = []


def read(path: Path, tool: str | None = None) -> Read:
    """Read a YAML or JSON configuration; InputError names the file and what is wrong with it."""
    raw = _mapping(path)
    tool = tool or _tool_of(raw, path)
    if tool not in TOOLS:
        raise InputError("incoming.tool", tool=tool, allowed=", ".join(TOOLS))
    if tool == OWN:
        upgrades: list[Upgrade] = []
        recipe = recipe_from(raw, str(path), upgrades)
        return Read(recipe=recipe, tool=OWN, left={}, upgrades=upgrades)
    found: dict[str, Any] = {"version": VERSION, "name": path.stem, "model": {}, "adapter": {}, "train": {}}
    draft = Draft(tool, raw, found)
    _by_table(draft)
    technique, objective = technique_of(draft), objective_of(draft)
    found["label"] = f"ft/{objective}:{technique}"
    found["data"] = data.of(draft, path.parent)
    defaults = by_default(draft, objective, technique)
    if technique == "full":
        found.pop("adapter")
    if not found["model"].get("id"):
        raise InputError("incoming.no_model", path=path)
    return Read(recipe=recipe_from(found, str(path)), tool=tool, left=_left(draft), defaults=defaults)


def _by_table(draft: Draft) -> None:
    """What the tables name, and what needs a rule beside them."""
    names = TOOLS[draft.tool]
    for theirs, ours in names.items():
        if theirs in draft.raw:
            draft.take(theirs, ours, number(draft.raw[theirs]))
    online = draft.raw.get("trl")
    if draft.tool == "axolotl" and isinstance(online, dict):
        for theirs, ours in AXOLOTL_ONLINE.items():
            if online.get(theirs) is not None:
                draft.put(ours, number(online[theirs]))
        draft.left |= {f"trl.{key}": value for key, value in online.items() if _asks(key, value, {*AXOLOTL_ONLINE})}
        draft.known.add("trl")
    settle(draft, names)


def _left(draft: Draft) -> dict[str, Any]:
    """What found no place, in the order of the file."""
    return {key: value for key, value in draft.raw.items() if _asks(key, value, draft.known)} | draft.left


def _asks(key: str, value: Any, known: set[str]) -> bool:
    """Whether a key asks for something that was not understood."""
    return key not in known and key not in PASSED_OVER and value not in ASKS_NOTHING.get(key, ())


def _mapping(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = parse_document(file.read(MAX_BYTES + 1), str(path))
    except FileNotFoundError:
        raise InputError("file.missing", path=path) from None
    except OSError as error:
        detail = error.strerror or str(error)
        raise InputError("file.unreadable", path=path, detail=detail) from None
    if not isinstance(raw, dict):
        raise InputError("recipe.not_mapping", source=path, found=type(raw).__name__)
    return {str(key): value for key, value in raw.items()}


def _tool_of(raw: dict[str, Any], path: Path) -> str:
    """Whose file it is, by the keys that only one of them has."""
    if "label" in raw:
        return OWN
    if "base_model" in raw:
        return "axolotl"
    if "model_name_or_path" in raw and FACTORY_ONLY & raw.keys():
        return "llamafactory"
    if "model_name_or_path" in raw:
        return "trl"
    raise InputError("incoming.unknown", path=path, tools=", ".join(TOOLS))
