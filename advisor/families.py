"""What a config.json leaves unsaid: defaults that each family's own code fills in, read from transformers 5.23."""

from __future__ import annotations

import msgspec
from msgspec import structs


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """How a family differs from Llama: `norms` per layer, biases, which norm on queries and keys, fused matrices.

    `qk_norm`: "head" = one weight per head dimension, "full" = one per query and key feature.
    `shared` names fused linear layers: "qkv" (one matrix for query, key, value), "gate_up" (gate and up).
    """

    tied: bool = False
    gated: bool = True
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    head_bias: bool = False
    norms: int = 2
    layer_norm: bool = False
    norm_bias: bool = False
    norm_weight: bool = True
    qk_norm: str | None = None
    shared: tuple[str, ...] = ()
    positions: str | None = None
    position_offset: int = 0
    extra_norms: int = 0
    mlp_ratio: int | None = None
    head_dim: int | None = None
    kv_heads: int | None = None
    activation: str = "silu"


LLAMA = Family()
_BIASED = {"qkv_bias": True, "out_bias": True, "mlp_bias": True, "layer_norm": True, "norm_bias": True, "gated": False}
_GPTJ = Family(
    gated=False,
    mlp_bias=True,
    norms=1,
    layer_norm=True,
    norm_bias=True,
    head_bias=True,
    mlp_ratio=4,
    activation="gelu_new",
)
_QWEN2 = Family(qkv_bias=True)
_QWEN3 = Family(qk_norm="head")
_GEMMA3 = Family(tied=True, norms=4, qk_norm="head")
_OLMO2 = Family(qk_norm="full")

FAMILIES: dict[str, Family] = {
    "llama": LLAMA,
    "mistral": LLAMA,
    "mixtral": LLAMA,
    "qwen2": _QWEN2,
    "qwen2_moe": _QWEN2,
    "qwen2_vl": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen2_vl_text": _QWEN2,
    "qwen2_5_vl_text": _QWEN2,
    "qwen3": _QWEN3,
    "qwen3_moe": _QWEN3,
    "qwen3_vl_text": _QWEN3,
    "qwen3_next": _QWEN3,
    **dict.fromkeys(
        ("granite", "granitemoe", "helium", "deepseek_v2", "deepseek_v3", "glm4_moe", "solar_open", "exaone_moe"), LLAMA
    ),
    "gemma": Family(tied=True),
    "gemma2": Family(tied=True, norms=4),
    "gemma3": _GEMMA3,
    "gemma3_text": _GEMMA3,
    "phi": Family(norms=1, head_bias=True, activation="gelu_new", **_BIASED),  # type: ignore[arg-type]
    "phi3": Family(shared=("qkv", "gate_up")),
    "phimoe": Family(layer_norm=True, norm_bias=True),
    "gpt2": Family(tied=True, shared=("qkv",), positions="n_positions", mlp_ratio=4, activation="gelu_new", **_BIASED),  # type: ignore[arg-type]
    "gpt_neox": Family(shared=("qkv",), **_BIASED),  # type: ignore[arg-type]
    "gpt_bigcode": Family(tied=True, shared=("qkv",), positions="n_positions", mlp_ratio=4, kv_heads=1, **_BIASED),  # type: ignore[arg-type]
    "gptj": _GPTJ,
    "codegen": structs.replace(_GPTJ, shared=("qkv",)),
    "gpt_neo": Family(
        tied=True,
        gated=False,
        out_bias=True,
        mlp_bias=True,
        layer_norm=True,
        norm_bias=True,
        mlp_ratio=4,
        positions="max_position_embeddings",
        activation="gelu_new",
    ),
    "mpt": Family(tied=True, gated=False, layer_norm=True, shared=("qkv",), mlp_ratio=4),
    "opt": Family(tied=True, positions="max_position_embeddings", position_offset=2, **_BIASED),  # type: ignore[arg-type]
    "bloom": Family(tied=True, shared=("qkv",), mlp_ratio=4, extra_norms=1, **_BIASED),  # type: ignore[arg-type]
    "falcon": Family(tied=True, gated=False, norms=1, layer_norm=True, norm_bias=True, shared=("qkv",), mlp_ratio=4),
    "stablelm": Family(layer_norm=True, norm_bias=True),
    "starcoder2": Family(tied=True, **_BIASED),  # type: ignore[arg-type]
    "olmo": Family(layer_norm=True, norm_weight=False),
    "olmo2": _OLMO2,
    "olmo3": _OLMO2,
    "olmoe": _OLMO2,
    "cohere": Family(tied=True, norms=1, layer_norm=True),
    "cohere2": Family(tied=True, norms=1, layer_norm=True),
    "exaone": Family(tied=True),
    "exaone4": Family(qk_norm="head"),
    "smollm3": Family(tied=True),
    "gpt_oss": Family(qkv_bias=True, out_bias=True),
    "glm": Family(qkv_bias=True, shared=("gate_up",)),
    "glm4": Family(qkv_bias=True, norms=4, shared=("gate_up",)),
    "chatglm": Family(qkv_bias=True, shared=("qkv", "gate_up")),
    "nemotron": Family(gated=False, layer_norm=True, norm_bias=True),
    "arcee": Family(gated=False),
    "persimmon": Family(shared=("qkv",), **_BIASED),  # type: ignore[arg-type]
    "hunyuan_v1_dense": Family(qk_norm="head"),
    "ernie4_5": Family(tied=True),
    "seed_oss": Family(qkv_bias=True),
    "internlm2": Family(shared=("qkv",)),
    "hyperclovax": Family(norms=4),
    "apertus": Family(gated=False, qk_norm="head", activation="xielu"),
}


COMPOSED = {"gelu_new": 4, "gelu_accurate": 4, "gelu_fast": 7, "gelu_python": 3, "quick_gelu": 2, "xielu": 8}
"""Tensors that an activation written as several operations keeps for the backward pass; one kernel keeps its input.

Counted from `transformers/activations.py`: `gelu_new` = 0.5 x (1 + tanh(c (x + 0.044715 x^3))) keeps x for the power,
the tanh's result, and both factors of the last product.
"""


def family_of(model_type: str) -> Family:
    """The family's habits; an unknown family is read as Llama-like, which most are."""
    return FAMILIES.get(model_type, LLAMA)
