"""A local model is described by its own files, so that a recipe fits its width and context; a hub id stays unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from advisor.facts import Kind
from tuner_tui.foreign import mapping


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a recipe needs to know of a model; None = not known. `params_b` in billions."""

    id: str
    folder: Path | None = None
    params_b: float | None = None
    kind: Kind | None = None
    hidden_size: int | None = None
    context: int | None = None
    family: str | None = None
    can_count: bool = False


def read_model(model: str) -> ModelFacts:
    """What the folder's files say; for a hub id only its name. InputError when a folder lacks config or weights."""
    from tuner_tui.model_folders import read_model as read_folder
    from tuner_tui.model_folders import size_in_name

    folder = Path(model)
    if not folder.is_absolute():
        return ModelFacts(id=model, params_b=size_in_name(model))
    found = read_folder(folder)
    config = mapping(folder / "config.json")
    inner = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    return ModelFacts(
        id=model,
        folder=folder,
        params_b=found.params_b,
        kind=found.kind,
        hidden_size=_whole(inner, "hidden_size", "n_embd", "d_model"),
        context=_whole(inner, "max_position_embeddings", "n_positions", "n_ctx"),
        family=str(config.get("model_type")) if config.get("model_type") else None,
        can_count=(folder / "tokenizer.json").is_file(),
    )


def _whole(config: Any, *names: str) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
