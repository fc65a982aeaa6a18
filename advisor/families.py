"""What a config.json leaves unsaid: defaults that each family's own code fills in, read from transformers 5.23."""

from __future__ import annotations

import msgspec
from msgspec import structs


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """How a family differs from Llama: `norms` per layer, biases, which norm on queries and keys, fused matrices.

    `qk_norm`: "head" = one weight per head dimension, "full" = one per query and key feature.
    `norm_whole`: the norm's weight multiplies in fp32. `dropout`: the share of the model's own, where none is said.
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
    query_gate: bool = False
    rotary: bool = True
    norm_whole: bool = False
    dropout: float = 0.0


LLAMA = Family()
_BIASED = {"qkv_bias": True, "out_bias": True, "mlp_bias": True, "layer_norm": True, "norm_bias": True, "gated": False}
_LEARNED = {**_BIASED, "rotary": False, "dropout": 0.1}
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
_GEMMA3 = Family(tied=True, norms=4, qk_norm="head", norm_whole=True)
_QWEN3_NEXT = Family(qk_norm="head", query_gate=True, norm_whole=True)
_OLMO2 = Family(qk_norm="full", norm_whole=True)
_OLMOE = Family(qk_norm="full")

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
    **dict.fromkeys(("qwen3_vl_moe_text", "exaone_moe", "mellum"), _QWEN3),
    **dict.fromkeys(("qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text"), _QWEN3_NEXT),
    **dict.fromkeys(
        (
            "granite",
            "granitemoe",
            "granitemoeshared",
            "granitemoehybrid",
            "deepseek_v2",
            "deepseek_v3",
            "glm4_moe",
            "solar_open",
            "cwm",
            "ministral3",
            "internlm3",
            "bamba",
            "falcon_h1",
            "jamba",
            "llama4_text",
            "llama4",
            "aria_text",
            "youtu",
        ),
        LLAMA,
    ),
    **dict.fromkeys(("mamba", "falcon_mamba"), Family(tied=True, norms=1)),
    "mamba2": Family(norms=1),
    "nemotron_h": Family(norms=1, gated=False, norm_whole=True),
    "helium": Family(norm_whole=True),
    **dict.fromkeys(("lfm2", "lfm2_moe"), Family(tied=True, qk_norm="head")),
    "minimax_m2": Family(qk_norm="full"),
    "jais2": Family(**_BIASED),  # type: ignore[arg-type]
    "nanochat": Family(gated=False, norm_weight=False),
    "vaultgemma": Family(tied=True, norm_whole=True),
    "ministral": LLAMA,
    "gemma": Family(tied=True, norm_whole=True),
    "gemma2": Family(tied=True, norms=4, norm_whole=True),
    "gemma3": _GEMMA3,
    **dict.fromkeys(
        ("gemma3n", "gemma3n_text", "gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text"),
        Family(tied=True, norms=4),
    ),
    "gemma3_text": _GEMMA3,
    "phi": Family(norms=1, head_bias=True, activation="gelu_new", **_BIASED),  # type: ignore[arg-type]
    "phi3": Family(shared=("qkv", "gate_up")),
    "phimoe": Family(layer_norm=True, norm_bias=True),
    **dict.fromkeys(
        ("gpt2", "gpt-sw3"),
        Family(tied=True, shared=("qkv",), positions="n_positions", mlp_ratio=4, activation="gelu_new", **_LEARNED),  # type: ignore[arg-type]
    ),
    "gpt_neox": Family(shared=("qkv",), **_BIASED),  # type: ignore[arg-type]
    "gpt_bigcode": Family(tied=True, shared=("qkv",), positions="n_positions", mlp_ratio=4, kv_heads=1, **_LEARNED),  # type: ignore[arg-type]
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
        rotary=False,
    ),
    "mpt": Family(tied=True, gated=False, layer_norm=True, shared=("qkv",), mlp_ratio=4, rotary=False),
    "opt": Family(tied=True, positions="max_position_embeddings", position_offset=2, activation="relu", **_LEARNED),  # type: ignore[arg-type]
    "biogpt": Family(tied=True, positions="max_position_embeddings", position_offset=2, **_LEARNED),  # type: ignore[arg-type]
    "bloom": Family(tied=True, shared=("qkv",), mlp_ratio=4, extra_norms=1, rotary=False, **_BIASED),  # type: ignore[arg-type]
    "falcon": Family(tied=True, gated=False, norms=1, layer_norm=True, norm_bias=True, shared=("qkv",), mlp_ratio=4),
    "stablelm": Family(layer_norm=True, norm_bias=True),
    "starcoder2": Family(tied=True, **_BIASED),  # type: ignore[arg-type]
    "olmo": Family(layer_norm=True, norm_weight=False),
    "olmo2": _OLMO2,
    "olmo3": _OLMO2,
    "olmoe": _OLMOE,
    "cohere": Family(tied=True, norms=1, layer_norm=True),
    "cohere2": Family(tied=True, norms=1, layer_norm=True),
    "exaone": Family(tied=True),
    "exaone4": Family(qk_norm="head"),
    "smollm3": Family(tied=True),
    "gpt_oss": Family(qkv_bias=True, out_bias=True, norm_whole=True),
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

KEEPS_ANSWER = frozenset({"relu", "sigmoid", "tanh"})
"""Activations whose derivative is read off their answer (`tools/autograd/derivatives.yaml`)."""


def family_of(model_type: str) -> Family:
    """The family's habits; an unknown family is read as Llama-like, which most are."""
    return FAMILIES.get(model_type, LLAMA)


ENCODER_DECODERS = frozenset(
    ("t5", "mt5", "umt5", "longt5", "switch_transformers", "bart", "mbart", "pegasus", "pegasus_x", "bigbird_pegasus",
     "marian", "m2m_100", "nllb-moe", "led", "blenderbot", "blenderbot-small", "prophetnet", "plbart", "mvp", "fsmt",
     "encoder-decoder", "t5gemma", "t5gemma2", "seamless_m4t", "seamless_m4t_v2", "whisper", "trocr", "musicgen",
     "musicgen_melody", "florence2", "udop", "pix2struct", "vision-encoder-decoder", "speech-encoder-decoder",
     "kosmos-2.5")
)  # fmt: skip
ENCODERS = frozenset(
    ("bert", "bert-generation", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "camembert",
     "electra", "albert", "distilbert", "deberta", "deberta-v2", "ernie", "big_bird", "data2vec-text", "megatron-bert",
     "rembert", "roc_bert", "roformer", "xmod", "mpnet", "modernbert", "nomic_bert", "esm", "clip", "siglip", "vit")
)  # fmt: skip
OTHER_LAYERS = frozenset(
    ("rwkv", "xlstm", "zamba", "zamba2", "recurrent_gemma", "kimi_linear", "minimax", "bailing_hybrid", "olmo_hybrid",
     "zaya", "lfm3", "blt", "hrm_text", "reformer", "xlnet", "xlm", "longcat_flash", "deepseek_v4", "retnet", "doge",
     "cpmant", "ctrl", "openai-gpt", "dbrx", "moshi", "hy_v4", "mimo_v2_flash", "gpt_neox_japanese", "git",
     "gemma4_assistant", "jetmoe",
     "afmoe")
)  # fmt: skip
"""Model types of another build than a decoder with attention, or with layers that nobody here has counted."""
OTHER_KEYS = (
    "mamba_d_state", "mamba_expand", "ssm_state_size", "state_size", "linear_num_value_heads", "linear_key_head_dim",
    "conv_L_cache", "lru_width", "attn_layer_period", "layers_block_type", "hybrid_override_pattern", "rwkv_version",
    "hidden_size_per_layer_input", "kda_num_heads", "mlp_ffn_layers", "altup_num_inputs",
)  # fmt: skip
"""Keys that speak of such layers in a config whose family is not known."""
