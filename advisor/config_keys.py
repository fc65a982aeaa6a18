"""Numbers of a config.json by every name that families give them; what no model has is refused by its key."""

from __future__ import annotations

from typing import Any

from advisor.errors import InputError

NAMES: dict[str, tuple[str, ...]] = {
    "hidden": ("hidden_size", "n_embd", "d_model", "dim", "model_dim"),
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_transformer_layers"),
    "heads": ("num_attention_heads", "n_head", "n_heads", "num_heads"),
    "kv_heads": ("num_key_value_heads", "n_head_kv", "num_kv_heads", "n_kv_heads", "multi_query_group_num"),
    "head_dim": ("head_dim", "attention_head_dim", "kv_channels"),
    "intermediate": ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "ffn_hidden_size", "dim_ff", "hidden_dim"),
    "vocab": ("vocab_size", "padded_vocab_size", "n_vocab"),
    "experts": ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"),
    "active": (
        "num_experts_per_tok",
        "experts_per_token",
        "num_experts_per_token",
        "moe_top_k",
        "moe_k",
        "top_k_experts",
    ),
    "moe_intermediate": ("moe_intermediate_size", "expert_intermediate_size", "moe_ffn_hidden_size"),
}
LIMITS = {
    "hidden": 10**6, "layers": 10**4, "heads": 10**5, "kv_heads": 10**5, "head_dim": 10**5, "intermediate": 10**7,
    "vocab": 10**8, "experts": 10**5, "active": 10**5, "moe_intermediate": 10**7,
}  # fmt: skip
_WIDTHS = (
    "kv_lora_rank", "q_lora_rank", "qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim", "n_shared_experts",
    "num_shared_experts", "shared_expert_intermediate_size", "shared_intermediate_size", "max_position_embeddings",
    "n_positions", "intermediate_size_mlp",
)  # fmt: skip
_WIDEST = 10**8


def optional(config: dict[str, Any], name: str) -> int | None:
    """The number under any of its names, of a list the largest; None where there is no positive whole number."""
    for key in NAMES[name]:
        value = config.get(key)
        if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
            value = max(value)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def size(config: dict[str, Any], name: str, source: str) -> int:
    """The number under any of its names; InputError names the key where there is none."""
    value = optional(config, name)
    if value is None:
        raise InputError("architecture.missing", source=source, key=NAMES[name][0], also=", ".join(NAMES[name][1:]))
    return value


def within_limits(config: dict[str, Any], source: str) -> None:
    """Numbers that no model has are a damaged file, not a very large model."""
    limits = [(key, LIMITS[name]) for name, keys in NAMES.items() for key in keys]
    for key, limit in (*limits, *((key, _WIDEST) for key in _WIDTHS)):
        found = config.get(key)
        value = max((one for one in (found if isinstance(found, list) else [found]) if isinstance(one, int)), default=0)
        if value > limit:
            raise InputError("architecture.range", source=source, key=key, value=value, limit=limit)


def whole(config: dict[str, Any], key: str, default: int) -> int:
    """A positive whole number under one key, else the default."""
    value = config.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else default
