"""Gemma 3n and Gemma 4: attention differs from layer to layer, and every layer has embeddings of its own.

Counted as transformers 5.23 builds them; what their extra streams keep for the backward pass is rough.
"""

from __future__ import annotations

from typing import Any

import msgspec

FAMILY = frozenset({"gemma3n", "gemma3n_text", "gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text"})
_PLE_VOCAB, _PLE_WIDTH = 262_144, 256


class Own(msgspec.Struct, frozen=True):
    """One kind of matrix that the family has beside, or instead of, the usual ones."""

    name: str
    d_in: int
    d_out: int
    layers: int


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """`matrices` hold the attention too; `small` are norms and the like, `outside` embeddings of the layers."""

    matrices: tuple[Own, ...]
    small: int
    outside: int


def _number(config: dict[str, Any], key: str, default: int) -> int:
    value = config.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**7 else default


def own_layers(
    config: dict[str, Any], model_type: str, hidden: int, layers: int, heads: int, kv: int, size: int, width: int
) -> Layers:
    """The family's matrices; `size` is a head's, `width` the feed-forward part's."""
    shared = min(_number(config, "num_kv_shared_layers", 15 if "3n" in model_type else 0), layers - 1)
    if "3n" in model_type:
        attention = _attention("", hidden, heads, kv, size, layers, layers - shared, values=True)
        return _with_embeddings(config, hidden, layers, *_third(config, hidden, layers, size, shared, attention))
    found: list[Own] = []
    small = 0
    for name, many, own, key_heads, head, values in _fourth(config, layers, shared, kv, size):
        found += _attention(name, hidden, heads, key_heads, head, many, own, values=values)
        small += head * (many + own)
    if config.get("use_double_wide_mlp") is True and shared:
        found += [Own(f"wide.{name}", hidden, width, shared) for name in ("gate_proj", "up_proj")]
        found.append(Own("wide.down_proj", width, hidden, shared))
    if config.get("enable_moe_block") is True:
        small += layers * (4 * hidden + _number(config, "num_experts", 0))
    default = 0 if "unified" in model_type else _PLE_WIDTH
    return _with_embeddings(config, hidden, layers, found, small, default=default)


def _attention(
    name: str, hidden: int, heads: int, kv: int, size: int, layers: int, own: int, *, values: bool
) -> list[Own]:
    """Queries and answers of `layers`; keys and values of those that do not share an earlier layer's."""
    found = [Own(f"{name}q_proj", hidden, heads * size, layers), Own(f"{name}o_proj", heads * size, hidden, layers)]
    found += [Own(f"{name}k_proj", hidden, kv * size, own)] if own else []
    return found + ([Own(f"{name}v_proj", hidden, kv * size, own)] if own and values else [])


def _fourth(
    config: dict[str, Any], layers: int, shared: int, kv: int, size: int
) -> list[tuple[str, int, int, int, int, bool]]:
    """Gemma 4's two kinds of layers: how many, how many with keys of their own, key heads, head size, values."""
    kinds = config.get("layer_types")
    if isinstance(kinds, list) and len(kinds) >= layers:
        whole = [at for at in range(layers) if "sliding" not in str(kinds[at])]
    else:
        whole = [at for at in range(layers) if (at + 1) % 6 == 0]
    whole = sorted({*whole, layers - 1})
    first = layers - shared
    same = config.get("attention_k_eq_v") is True
    key_heads = (_number(config, "num_global_key_value_heads", 0) or kv) if same else kv
    head, own = _number(config, "global_head_dim", 512), sum(at < first for at in whole)
    found = [("whole.", len(whole), own, key_heads, head, not same)]
    if len(whole) < layers:
        found.append(("", layers - len(whole), first - own, kv, size, True))
    return found


def _third(
    config: dict[str, Any], hidden: int, layers: int, size: int, shared: int, attention: list[Own]
) -> tuple[list[Own], int]:
    """Gemma 3n's alternating updates and its low-rank branch."""
    streams, rank = _number(config, "altup_num_inputs", 4), _number(config, "laurel_rank", 64)
    found = [
        *attention,
        Own("linear_left", hidden, rank, layers),
        Own("linear_right", rank, hidden, layers),
        Own("modality_router", hidden, streams, layers),
        Own("altup_projections", hidden, hidden, 2 * (streams - 1)),
    ]
    small = layers * (3 * hidden + streams**2 + streams**3 + size) + (layers - shared) * size
    return found, small


def _with_embeddings(
    config: dict[str, Any], hidden: int, layers: int, found: list[Own], small: int, *, default: int = _PLE_WIDTH
) -> Layers:
    """Each layer's own embedding of the token, and the matrices that bring it in."""
    width = _number(config, "hidden_size_per_layer_input", default)
    if not width:
        return Layers(matrices=tuple(found), small=small, outside=0)
    beside = [
        Own("per_layer_input_gate", hidden, width, layers),
        Own("per_layer_projection", width, hidden, layers),
        Own("per_layer_model_projection", hidden, layers * width, 1),
    ]
    rows = _number(config, "vocab_size_per_layer_input", _PLE_VOCAB)
    return Layers(
        matrices=(*found, *beside), small=small + layers * hidden + width, outside=rows * layers * width
    )  # fmt: skip
