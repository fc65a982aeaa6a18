"""Shapes of open models for use without a network; a local config.json always wins over this table."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from advisor.architecture import Architecture, from_config
from advisor.linears import parameter_count


class KnownModel(msgspec.Struct, frozen=True, kw_only=True):
    """One open model: hub id, shape, parameters counted from the shape and as published, and where it was read."""

    id: str
    arch: Architecture
    parameters: int
    published: int | None
    source: str


_KEYS = {
    "hidden": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "intermediate": "intermediate_size",
    "vocab": "vocab_size",
    "experts": "num_experts",
    "active": "num_experts_per_tok",
    "moe_intermediate": "moe_intermediate_size",
    "shared_experts": "n_shared_experts",
    "sliding_window": "sliding_window",
    "kv_shared": "num_kv_shared_layers",
}


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with (Path(__file__).parent / "models.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _config(row: dict[str, str]) -> dict[str, Any]:
    config: dict[str, Any] = {key: int(row[name]) for name, key in _KEYS.items() if row[name]}
    config["model_type"] = row["model_type"]
    if row["tied"]:
        config["tie_word_embeddings"] = row["tied"] == "true"
    return config


@cache
def models() -> tuple[KnownModel, ...]:
    """Every model in the table."""
    return tuple(_known(row) for row in _rows())


def _known(row: dict[str, str]) -> KnownModel:
    arch = from_config(_config(row), row["id"])
    return KnownModel(
        id=row["id"],
        arch=arch,
        parameters=parameter_count(arch),
        published=int(row["params_published"]) if row["params_published"] else None,
        source=row["source"],
    )


def config_of(name: str) -> dict[str, Any] | None:
    """The config.json keys that the table knows for a hub id, whole or without its owner; None when it has none."""
    row = _find(name)
    return None if row is None else _config(row)


def find_model(name: str) -> KnownModel | None:
    """The model of this id, whole or without its owner, "-Instruct" and the like left out; None if unknown."""
    row = _find(name)
    return None if row is None else _known(row)


def _find(name: str) -> dict[str, str] | None:
    wanted = _plain(name)
    for row in _rows():
        if wanted in (_plain(row["id"]), _plain(row["id"].rpartition("/")[2])):
            return row
    short = _plain(wanted.rpartition("/")[2])
    return next((row for row in _rows() if _plain(row["id"].rpartition("/")[2]) == short), None)


_SUFFIXES = ("-instruct", "-it", "-chat", "-base", "-hf", "-bnb-4bit", "-unsloth", "-v1.0", "-pt")


def _plain(name: str) -> str:
    """Tuned variants share their base model's shape."""
    name = name.strip().lower().replace("meta-llama-3", "llama-3")
    changed = True
    while changed:
        changed = False
        for suffix in _SUFFIXES:
            if name.endswith(suffix):
                name, changed = name.removesuffix(suffix), True
    return name
