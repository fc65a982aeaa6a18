"""What a run is made from is written down when it begins, so that a resume can name what is another now."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.training.job import Job

FILE = "origin.json"
WHOLE_BYTES = 1 << 28
PIECE_BYTES = 1 << 16
PIECES = 64


def origin(job: Job, data_sha256: str) -> dict[str, object]:
    """What the steps of this run are made from; a checkpoint's manifest takes its own part of it."""
    recipe = job.recipe
    files = [recipe.data.train, recipe.data.eval, recipe.data.replay, recipe.data.replay_eval]
    return {
        "recipe_sha256": hashlib.sha256(job.run.recipe_path.read_bytes()).hexdigest(),
        "data_sha256": data_sha256,
        "threads": job.threads,
        "data_files": {name: hash_of(path) for name in files if name and (path := Path(name).expanduser()).is_file()},
        "weights": weights_of(recipe),
    }


def weights_of(recipe: Recipe) -> dict[str, str]:
    """The hash of each weight file that the run begins from; none for a model of the hub (its revision tells)."""
    folders = [Path(name) for name in (recipe.model.id, recipe.model.adapter) if name]
    return {str(path): hash_of(path) for folder in folders for path in sorted(folder.glob("*.safetensors"))}


def hash_of(path: Path) -> str:
    """SHA-256 of a file's size and bytes; of one above WHOLE_BYTES, of PIECES pieces spread over it."""
    size = path.stat().st_size
    found = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        if size <= WHOLE_BYTES:
            while piece := file.read(1 << 20):
                found.update(piece)
        else:
            for at in range(PIECES):
                file.seek((size - PIECE_BYTES) * at // (PIECES - 1))
                found.update(file.read(PIECE_BYTES))
    return found.hexdigest()


def refuse_changed(job: Job, checkpoint: dict[str, Any], begun: dict[str, Any], now: dict[str, Any]) -> None:
    """InputError that names what is not as it was: recipe, data or weights.

    `checkpoint` is what its manifest says, `begun` what was written down when the run began, either maybe empty.
    """
    before = checkpoint or begun
    if before.get("recipe_sha256", now["recipe_sha256"]) != now["recipe_sha256"]:
        raise InputError("training.changed_recipe", run=job.run.id, path=job.run.recipe_path)
    if before.get("data_sha256", now["data_sha256"]) != now["data_sha256"]:
        files = _others(begun, now, "data_files") or str(job.run.recipe_path)
        raise InputError("training.changed_data", run=job.run.id, files=files)
    if files := _others(begun, now, "weights"):
        raise InputError("training.changed_weights", run=job.run.id, files=files)


def _others(before: dict[str, Any], now: dict[str, Any], name: str) -> str:
    """The files, of those that both know, whose content differs."""
    known, found = before.get(name) or {}, now.get(name) or {}
    return ", ".join(path for path, each in found.items() if known.get(path, each) != each)


def read_origin(path: Path) -> dict[str, Any]:
    """What the run was made from when it began; empty when that was not written down."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return {}
