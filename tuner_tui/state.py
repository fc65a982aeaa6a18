"""The wizard's answers: one frozen value, changed only by making a new one, saved whole at each answer."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from advisor.facts import Facts, Hardware, Tried
from tuner_tui import paths

VERSION = 1


class Wizard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a person has answered so far. Unknown is None; paths are as typed.

    `answered` names the questions that were looked at, so that "don't know" differs from "not asked yet".
    `counted` says which kind of data the rows of `data_path` and `docs_path` were counted as.
    `preferred` is a label chosen against the advice; `recipe` is the plan as edited, None = as advised;
    `recipe_stale` = answers changed after that plan was edited.
    """

    version: int = VERSION
    step: str = "goal"
    practice: bool = False
    facts: Facts = Facts()
    answered: tuple[str, ...] = ()
    data_path: str | None = None
    eval_path: str | None = None
    docs_path: str | None = None
    counted: dict[str, str] = {}
    model_path: str | None = None
    simulated: bool = False
    preferred: str | None = None
    recipe: str | None = None
    recipe_stale: bool = False
    run_id: str | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What stays between drafts: language (None = the locale's), theme (None = the terminal's), ASCII charts, keys."""

    lang: str | None = None
    theme: str | None = None
    ascii: bool = False
    keys: dict[str, str] = {}


def answer(wizard: Wizard, path: str, value: Any) -> Wizard:
    """A new wizard with the fact at `path` (`history.rag`, `goals`) set; an edited plan is kept but marked as stale."""
    facts = replace_at(wizard.facts, path.split("."), value)
    answered = wizard.answered if path in wizard.answered else (*wizard.answered, path)
    if facts == wizard.facts:
        return msgspec.structs.replace(wizard, answered=answered)
    return msgspec.structs.replace(wizard, facts=facts, answered=answered, recipe_stale=wizard.recipe is not None)


def measured(wizard: Wizard, history: dict[str, str]) -> Wizard:
    """What a comparison found of the ways that were tried, in place of what was believed of them."""
    for name, found in history.items():
        wizard = answer(wizard, f"history.{name}", Tried(found))
    return wizard


def with_path(wizard: Wizard, name: str, value: str | None) -> Wizard:
    """Another path: what was counted from the one before is forgotten with it."""
    wizard = _uncounted(wizard, name)
    answered = wizard.answered if "data" in wizard.answered else (*wizard.answered, "data")
    stale = wizard.recipe is not None
    return msgspec.structs.replace(wizard, **{name: value}, answered=answered, recipe_stale=stale)


def counted(wizard: Wizard, name: str, found: Any) -> Wizard:
    """The rows that an inspection counted, as facts."""
    if found is None or not found.kind:
        return wizard
    if getattr(wizard.facts.data, found.kind) == found.usable_rows and wizard.counted.get(name) == found.kind:
        return wizard
    wizard = _uncounted(wizard, name)
    wizard = answer(wizard, f"data.{found.kind}", found.usable_rows)
    return msgspec.structs.replace(wizard, counted={**wizard.counted, name: found.kind})


def _uncounted(wizard: Wizard, name: str) -> Wizard:
    kind = wizard.counted.get(name)
    if kind is None:
        return wizard
    rest = {each: other for each, other in wizard.counted.items() if each != name}
    return msgspec.structs.replace(answer(wizard, f"data.{kind}", 0), counted=rest)


def with_model(wizard: Wizard, path: str | None, **known: Any) -> Wizard:
    """Another model: where it is (folder or hub name), and the facts that are known of it; `access` stays."""
    wizard = answer(wizard, "model", msgspec.structs.replace(wizard.facts.model, **known))
    return msgspec.structs.replace(wizard, model_path=path, recipe_stale=wizard.recipe is not None)


def with_hardware(wizard: Wizard, hardware: Hardware) -> Wizard:
    """The machine as read; an edited plan goes stale only when the GPUs are others."""
    others = [(gpu.name, gpu.vram_gb) for gpu in hardware.gpus or []]
    before = [(gpu.name, gpu.vram_gb) for gpu in wizard.facts.hardware.gpus or []]
    stale = wizard.recipe_stale or (wizard.recipe is not None and others != before)
    facts = msgspec.structs.replace(wizard.facts, hardware=hardware)
    return msgspec.structs.replace(wizard, facts=facts, recipe_stale=stale)


def with_facts(wizard: Wizard, facts: Facts) -> Wizard:
    """What was tried as a what-if becomes the answers; other hardware stays marked as simulated."""
    simulated = wizard.simulated or facts.hardware != wizard.facts.hardware
    stale = wizard.recipe is not None
    return msgspec.structs.replace(wizard, facts=facts, simulated=simulated, recipe_stale=stale)


def replace_at(struct: Any, keys: list[str], value: Any) -> Any:
    """A copy of a frozen struct with the field at a path of names replaced."""
    head, *rest = keys
    inner = replace_at(getattr(struct, head), rest, value) if rest else value
    return msgspec.structs.replace(struct, **{head: inner})


def value_at(struct: Any, path: str) -> Any:
    """The value at a dotted path."""
    for name in path.split("."):
        struct = getattr(struct, name)
    return struct


def draft_path() -> Path:
    """Where the draft lives."""
    return paths.home() / "draft.json"


def save(value: msgspec.Struct, path: Path) -> bool:
    """Write whole or not at all (temporary file, then rename); False when the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    except OSError:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(value))
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        return False
    return True


def load_draft(path: Path | None = None) -> Wizard | None:
    """The draft, or None when there is none; one that cannot be read is kept aside as `draft.json.bad`."""
    path = path or draft_path()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Wizard)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError):
        with contextlib.suppress(OSError):
            os.replace(path, path.with_suffix(".json.bad"))
        return None


def load_settings() -> Settings:
    """The settings, or the defaults."""
    try:
        return msgspec.json.decode((paths.home() / "settings.json").read_bytes(), type=Settings)
    except (OSError, msgspec.MsgspecError):
        return Settings()


def save_settings(settings: Settings) -> bool:
    """Keep the settings for next time."""
    return save(settings, paths.home() / "settings.json")
