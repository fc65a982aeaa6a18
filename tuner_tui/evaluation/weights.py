"""Base and tuned weights of one recipe are loaded once; an adapter is switched off for the base, never loaded twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from advisor.recipe import Recipe


class Weights:
    """The model of a recipe and what was tuned from it; `folder` is that of an adapter or of a full model."""

    def __init__(self, recipe: Recipe, folder: str | None, device: str) -> None:
        from tuner_tui.training import model

        self._base = model.load_model(recipe, device).eval()
        self._tuned: Any = None
        if folder is None:
            return
        if (Path(folder) / "adapter_config.json").is_file():
            from peft import PeftModel

            self._base = self._tuned = PeftModel.from_pretrained(self._base, folder).eval()
            return
        full = structs.replace(recipe, model=structs.replace(recipe.model, id=folder, revision=None))
        self._tuned = model.load_model(full, device).eval()

    @property
    def tuned(self) -> bool:
        """Whether there is anything beside the base."""
        return self._tuned is not None

    @contextmanager
    def of(self, *, tuned: bool) -> Iterator[Any]:
        """The model with the weights asked for."""
        if tuned or not hasattr(self._base, "disable_adapter"):
            yield self._tuned if tuned else self._base
            return
        with self._base.disable_adapter():
            yield self._base


def room_of(model: Any) -> int:
    """Tokens that the model can read at once."""
    return int(getattr(model.config, "max_position_embeddings", None) or 4096)
