"""The mixture of experts of a config.json: how many, how wide, which layers have one, and what every token passes."""

from __future__ import annotations

from typing import Any

from advisor.config_keys import optional, whole
from advisor.gemma import FAMILY as GEMMAS
from advisor.mixers import Layout

_EXPERTS_AT_FULL_WIDTH = ("mixtral", "gpt_oss", "olmoe", "phimoe", "granitemoe", "jamba")
_NO_SHARED_EXPERT = (*_EXPERTS_AT_FULL_WIDTH, "qwen3_moe")


def experts_of(config: dict[str, Any], layers: int, model_type: str, plan: Layout) -> dict[str, Any]:
    """Fields of the architecture; none where every token passes the same feed-forward part."""
    count = optional(config, "experts")
    off = model_type in GEMMAS and config.get("enable_moe_block") is not True
    if not count or count < 2 or plan.experts == 0 or off:
        return {}
    own = None if model_type in _EXPERTS_AT_FULL_WIDTH else optional(config, "moe_intermediate")
    width = own or optional(config, "intermediate") or 0
    found = {
        "experts": count,
        "active_experts": min(optional(config, "active") or 2, count),
        "moe_intermediate": width,
        "shared_intermediate": 0 if model_type in _NO_SHARED_EXPERT else _shared_width(config, width),
        "dense_layers": _dense_layers(config, layers, plan),
        "expert_bias": model_type == "gpt_oss",
        "sinks": model_type == "gpt_oss",
    }
    if model_type in GEMMAS:  # beside the experts every layer keeps its plain part, as a shared one
        return found | {"shared_intermediate": optional(config, "intermediate") or 0, "dense_layers": 0}
    return found | (_llama4(config, layers) if model_type in ("llama4", "llama4_text") else {})


def _shared_width(config: dict[str, Any], width: int) -> int:
    """Features of the expert that every token passes: `many` experts of the routed width, or one of its own width."""
    names = ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts")
    default = 1 if config.get("model_type") == "nemotron_h" else None
    many = next((config[name] for name in names if name in config), default)
    if isinstance(many, int):
        return whole(config, "moe_shared_expert_intermediate_size", width) * many
    together = config.get("shared_expert_intermediate_size", config.get("shared_intermediate_size"))
    return together if isinstance(together, int) else 0


def _dense_layers(config: dict[str, Any], layers: int, plan: Layout) -> int:
    """Layers with a plain feed-forward part beside those with experts."""
    if plan.experts is not None:
        return layers - plan.bare - plan.experts
    return min(_first_dense(config, layers), layers)


def _first_dense(config: dict[str, Any], layers: int) -> int:
    names = ("first_k_dense_replace", "moe_layer_start_index", "num_dense_layers")
    first = next((config[name] for name in names if name in config), None)
    if isinstance(first, int) and not isinstance(first, bool):
        return max(first, 0)
    step = config.get("decoder_sparse_step") or config.get("interleave_moe_layer_step") or 1
    only = config.get("mlp_only_layers")
    named = len(only) if isinstance(only, list) else 0
    return max(named, layers - layers // step if isinstance(step, int) and step > 1 else 0)


def _llama4(config: dict[str, Any], layers: int) -> dict[str, int]:
    """Llama 4: the plain width under a name of its own, one shared expert, and which layers have experts."""
    listed = config.get("moe_layers")
    step = whole(config, "interleave_moe_layer_step", 1)
    count = len(listed) if isinstance(listed, list) else sum((at + 1) % step == 0 for at in range(layers))
    shared = whole(config, "intermediate_size", 8192)
    return {"shared_intermediate": shared, "dense_layers": layers - min(count, layers)}
