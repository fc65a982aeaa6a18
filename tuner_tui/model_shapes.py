"""A model's shape by id, folder or file: what lies on this machine wins over the catalogue; nothing is downloaded."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from advisor.catalog import config_of
from advisor.errors import InputError
from tuner_tui.foreign import json_in, opened

_MAX_TEXT = 1 << 20
_MAX_ITEMS = 1 << 22
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_TEXT, _LIST = 8, 9
_GGUF_KEYS = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "feed_forward_length": "intermediate_size",
    "vocab_size": "vocab_size",
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "attention.sliding_window": "sliding_window",
}


def find_config(name: str) -> dict[str, Any] | None:
    """The config.json of a model: a folder, a config.json, a .gguf file, the hub cache, else the catalogue."""
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return gguf_config(path)
    if path.is_dir():
        return _config(path / "config.json")
    if path.suffix == ".json" and path.is_file():
        return _config(path)
    cached = _cached(name)
    return cached or config_of(name)


def _config(path: Path) -> dict[str, Any]:
    raw = json_in(path)
    if not isinstance(raw, dict):
        raise InputError("architecture.not_mapping", source=str(path), found=type(raw).__name__)
    return raw


def _cached(name: str) -> dict[str, Any] | None:
    from tuner_tui.model_folders import local_models

    if "/" not in name:
        return None
    found = next((model for model in local_models() if model.id == name), None)
    return _config(Path(found.path) / "config.json") if found else None


def gguf_config(path: Path) -> dict[str, Any]:
    """The shape in a GGUF file's metadata, under config.json's names; InputError when it is no GGUF file.

    Layout: magic, version, tensor count, key count, then key, type, value (ggml-org/ggml, docs/gguf.md).
    """
    try:
        with opened(path) as file:
            found = _metadata(file)
    except (OSError, struct.error, ValueError, UnicodeDecodeError) as error:
        raise InputError("file.unreadable", path=str(path), detail=str(error)[:120]) from None
    family = str(found.get("general.architecture", "llama"))
    config: dict[str, Any] = {"model_type": family}
    for key, name in _GGUF_KEYS.items():
        value = found.get(f"{family}.{key}")
        if isinstance(value, int):
            config[name] = value
    tokens = found.get("tokenizer.ggml.tokens")
    if "vocab_size" not in config and isinstance(tokens, int):
        config["vocab_size"] = tokens
    config["tie_word_embeddings"] = "output.weight" not in found["tensors"]
    return config


def _metadata(file: BinaryIO) -> dict[str, Any]:
    """All keys; a list is given by its length. `tensors` holds the names of the tensors."""
    if file.read(4) != b"GGUF":
        raise ValueError("no GGUF file")
    version, tensors, count = struct.unpack("<IQQ", file.read(20))
    if version < 2 or count > _MAX_ITEMS or tensors > _MAX_ITEMS:
        raise ValueError(f"GGUF version {version} with {count} keys")
    found: dict[str, Any] = {}
    for _ in range(count):
        key = _text(file)
        found[key] = _value(file, struct.unpack("<I", file.read(4))[0])
    found["tensors"] = {_tensor(file) for _ in range(tensors)}
    return found


def _tensor(file: BinaryIO) -> str:
    name = _text(file)
    (dimensions,) = struct.unpack("<I", file.read(4))
    file.seek(8 * min(dimensions, 8) + 4 + 8, 1)
    return name


def _text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _MAX_TEXT:
        raise ValueError(f"text of {length} bytes")
    return file.read(length).decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind != _LIST:
        return _number(file, kind)
    inner, count = struct.unpack("<IQ", file.read(12))
    if count > _MAX_ITEMS:
        raise ValueError(f"list of {count}")
    if inner in _NUMBERS:
        file.seek(count * struct.calcsize(_NUMBERS[inner]), 1)
    else:
        for _ in range(count):
            _value(file, inner)
    return int(count)


def _number(file: BinaryIO, kind: int) -> Any:
    if kind not in _NUMBERS:
        raise ValueError(f"value of kind {kind}")
    form = _NUMBERS[kind]
    return struct.unpack(form, file.read(struct.calcsize(form)))[0]
