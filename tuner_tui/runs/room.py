"""A run that the disk cannot hold is refused before it starts, by the sizes that the model's own files tell."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path
from typing import NamedTuple

from advisor.errors import Refused
from advisor.methods import Technique
from advisor.recipe import Recipe
from tuner_tui import paths
from tuner_tui.foreign import tensors
from tuner_tui.runs.directory import RunDir

LOG_BYTES = 2 << 20
MOMENTS = 2
WORD = 4
EMBEDDINGS = ("embed", "lm_head", "wte", "wpe")


class Room(NamedTuple):
    """Bytes that a run will write at most, and bytes that are free where it writes."""

    need_bytes: int
    free_bytes: int

    @property
    def enough(self) -> bool:
        """Whether it fits."""
        return self.need_bytes <= self.free_bytes


def room_for(recipe: Recipe) -> Room | None:
    """What the run needs on the disk against what is free; None for a model that is not here.

    A checkpoint holds the trained weights and two moments of Adam in fp32, and the tokenizer; there are at most as many
    as the recipe keeps, the best one, and one being written. The result is written once more.
    """
    folder = Path(recipe.model.id)
    shapes = _shapes(folder)
    if not shapes:
        return None
    trained = _trained(recipe, shapes)
    tokenizer = sum(path.stat().st_size for path in folder.glob("*token*") if path.is_file())
    checkpoint = trained * WORD * (1 + MOMENTS) + tokenizer
    need = (recipe.train.keep_checkpoints + 2) * checkpoint + trained * WORD + tokenizer + LOG_BYTES
    return Room(need, free_bytes())


def refuse_without_room(recipe: Recipe, run: RunDir | None = None) -> None:
    """Refused when the run may write more than is free; what `run` has written already it needs no more."""
    room = room_for(recipe)
    if room is None:
        return
    written = sum(path.stat().st_size for path in run.checkpoints.rglob("*") if path.is_file()) if run else 0
    if room.need_bytes - written > room.free_bytes:
        need, free = _mib(room.need_bytes - written), _mib(room.free_bytes)
        raise Refused("runs.no_room", path=paths.runs(), need=need, free=free)


def _mib(count: int) -> str:
    return f"{count / 2**20:,.0f}"


def free_bytes() -> int:
    """Bytes that we may still write where runs are kept."""
    folder = paths.runs()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def _trained(recipe: Recipe, shapes: dict[str, list[int]]) -> int:
    """How many numbers move: all, or those of the adapter on every linear layer (rank * (in + out))."""
    technique = recipe.parsed_label.technique
    if technique is Technique.FULL:
        return sum(prod(shape) for shape in shapes.values())
    layers = [shape for name, shape in shapes.items() if len(shape) == 2 and not any(e in name for e in EMBEDDINGS)]
    return sum(recipe.adapter.rank * sum(shape) for shape in layers)


def _shapes(folder: Path) -> dict[str, list[int]]:
    """Every tensor's shape by name, from the headers alone."""
    found: dict[str, list[int]] = {}
    for path in folder.glob("*.safetensors"):
        try:
            found |= {name: tensor.shape for name, tensor in tensors(path).items()}
        except (OSError, ValueError):
            return {}
    return found
