"""A model's shape from any Hugging Face config.json; what it does not say comes from its family, never a guess."""

from __future__ import annotations

from typing import Any

import msgspec

from advisor.config_keys import LIMITS, NAMES, optional, size, whole, within_limits
from advisor.errors import InputError
from advisor.experts import experts_of
from advisor.families import (
    COMPOSED,
    ENCODER_DECODERS,
    ENCODERS,
    FAMILIES,
    KEEPS_ANSWER,
    OTHER_KEYS,
    OTHER_LAYERS,
    Family,
    family_of,
)
from advisor.gemma import FAMILY as GEMMAS
from advisor.gemma import Layers, own_layers
from advisor.mixers import PURE, Layout, Mixer, layout, mixer_of, mixes

_LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
_ALONE = frozenset(
    ("llama4", "llama4_text", "mllama_text_model", "qwen3_5_text", "qwen3_5_moe_text", "qwen3_5", "qwen3_5_moe",
     "gemma4_text", "gemma4_unified_text")
)  # fmt: skip
"""Text models that transformers loads without their towers (`AutoModelForCausalLM`)."""
_NESTED = ("text_config", "llm_config", "language_config", "thinker_config", "language_model", "decoder_config")
_DROPOUTS = ("resid_pdrop", "hidden_dropout", "hidden_dropout_prob", "resid_dropout", "residual_dropout", "dropout")
_ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function", "activation")


class Architecture(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """One decoder's shape. Sizes are features, not bytes; `longest` = tokens that positions go to.

    For the backward pass: `activation_kept` tensors by the activation, or its answer alone (`answer_kept`); norms
    multiply by their weight in fp32 (`norm_whole`); queries and keys are turned (`rotary`), which copies them;
    `dropped` = places of a layer where the model's own dropout leaves a mask.
    """

    model_type: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool
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
    positions: int = 0
    extra_norms: int = 0
    experts: int = 0
    active_experts: int = 0
    moe_intermediate: int = 0
    shared_intermediate: int = 0
    dense_layers: int = 0
    expert_bias: bool = False
    window: int | None = None
    windowed_layers: int = 0
    sinks: bool = False
    q_rank: int = 0
    kv_rank: int = 0
    rope_dim: int = 0
    value_dim: int = 0
    other_parts: tuple[str, ...] = ()
    softcaps_logits: bool = False
    activation_kept: int = 1
    answer_kept: bool = False
    rotary: bool = True
    norm_whole: bool = False
    dropped: int = 0
    family_known: bool = True
    attention_layers: int | None = None
    bare_layers: int = 0
    mixer: Mixer | None = None
    mixer_layers: int = 0
    query_gate: bool = False
    embedded: int = 0
    tower: int = 0
    parallel: bool = False
    longest: int | None = None
    own: Layers | None = None

    @property
    def attending(self) -> int:
        """Layers that attend; in hybrids the others mix tokens in another way."""
        return self.layers if self.attention_layers is None else self.attention_layers

    @property
    def q_width(self) -> int:
        """Query features over all heads; not the hidden size in Qwen3, Gemma, gpt-oss and others."""
        return self.heads * (self.head_dim + (self.rope_dim if self.kv_rank else 0))

    @property
    def k_width(self) -> int:
        """Key features over all key-value heads."""
        return self.kv_heads * (self.head_dim + (self.rope_dim if self.kv_rank else 0))

    @property
    def v_width(self) -> int:
        """Value features over all key-value heads."""
        return self.kv_heads * (self.value_dim or self.head_dim)

    @property
    def out_width(self) -> int:
        """Features of the attention's answer, which enter the output projection."""
        return self.heads * (self.value_dim or self.head_dim)

    @property
    def moe_layers(self) -> int:
        """Layers whose feed-forward part is a mixture of experts."""
        return self.layers - self.dense_layers - self.bare_layers if self.experts else 0


def from_config(config: Any, source: str) -> Architecture:
    """The shape of a config.json's language model; InputError names the key that is missing or out of range."""
    if not isinstance(config, dict):
        raise InputError("architecture.not_mapping", source=source, found=type(config).__name__)
    text, parts = _language_part(config)
    model_type = str(text.get("model_type") or config.get("model_type") or "llama").lower()
    _refuse(config, text, model_type, source)
    within_limits(text, source)
    family = family_of(model_type)
    hidden, vocab = size(text, "hidden", source), size(text, "vocab", source)
    mixer, plan = mixer_of(text, model_type, hidden), _layout(text, model_type, source)
    layers = plan.layers or size(text, "layers", source)
    heads = 1 if model_type in PURE else size(text, "heads", source)
    head_dim = optional(text, "head_dim") or family.head_dim or max(hidden // heads, 1)
    mla = _mla(text)
    width = _feed_forward(text, hidden, model_type, family, source)
    key_heads = heads if mla else _kv_heads(text, heads, family)
    return Architecture(
        model_type=model_type,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=key_heads,
        head_dim=mla.get("head_dim", head_dim),
        intermediate=width,
        vocab=vocab,
        tied=_tied(config, text, family),
        gated=family.gated,
        qk_norm=_qk_norm(text, family),
        layer_norm=family.layer_norm,
        norm_bias=family.norm_bias and text.get("norm_bias") is not False,
        norm_weight=family.norm_weight,
        norms=_norms(text, model_type, family),
        shared=family.shared,
        extra_norms=family.extra_norms,
        head_bias=family.head_bias,
        positions=_positions(text, family),
        other_parts=parts,
        softcaps_logits=text.get("final_logit_softcapping", 30.0 if model_type == "gemma2" else None) is not None,
        activation_kept=_activation_kept(text, family),
        answer_kept=_activation(text, family) in KEEPS_ANSWER and not family.gated,
        rotary=family.rotary,
        norm_whole=family.norm_whole,
        dropped=_dropped(text, family),
        family_known=model_type in FAMILIES,
        attention_layers=plan.attending if mixer else None,
        bare_layers=plan.bare,
        mixer=mixer,
        mixer_layers=plan.mixing,
        query_gate=family.query_gate,
        embedded=_embedded(text, hidden),
        tower=_tower(config, model_type),
        parallel=_parallel(text, model_type),
        longest=next((whole(text, key, 0) for key in _LENGTHS if whole(text, key, 0)), None),
        own=own_layers(text, model_type, hidden, layers, heads, key_heads, head_dim, width)
        if model_type in GEMMAS
        else None,
        **_biases(text, model_type, family),
        **experts_of(text, layers, model_type, plan),
        **_windows(text, layers),
        **{key: value for key, value in mla.items() if key != "head_dim"},
    )


def _refuse(config: dict[str, Any], text: dict[str, Any], model_type: str, source: str) -> None:
    """A model of another build is refused by name: counted as attention it would be far off."""
    if model_type in ENCODER_DECODERS or (config.get("is_encoder_decoder") is True and model_type not in FAMILIES):
        raise InputError("architecture.encoder_decoder", source=source, type=model_type)
    if model_type in ENCODERS:
        raise InputError("architecture.encoder", source=source, type=model_type)
    outer = str(config.get("model_type") or model_type).lower()
    if model_type in OTHER_LAYERS or outer in OTHER_LAYERS:
        raise InputError("architecture.layers", source=source, type=outer, key="model_type")
    key = next((key for key in OTHER_KEYS if text.get(key) is not None), None)
    if key and model_type not in FAMILIES:
        raise InputError("architecture.layers", source=source, type=model_type, key=key)


def _layout(text: dict[str, Any], model_type: str, source: str) -> Layout:
    layers = optional(text, "layers")
    found = layout(text, model_type, layers or 0) if mixes(model_type) else Layout(attending=layers or 0, mixing=0)
    if found.layers is not None and not 0 < found.layers <= LIMITS["layers"]:
        raise InputError("architecture.missing", source=source, key="hybrid_override_pattern", also="layers_block_type")
    return found


def _language_part(config: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The part that describes the language model, and the names of other towers beside it."""
    others = tuple(name for name in ("vision_config", "audio_config") if isinstance(config.get(name), dict))
    for name in _NESTED:
        inner = config.get(name)
        if isinstance(inner, dict) and any(key in inner for key in NAMES["hidden"]):
            return inner, others
    return config, others


def _kv_heads(config: dict[str, Any], heads: int, family: Family) -> int:
    if config.get("multi_query") is True and not config.get("new_decoder_architecture"):
        return 1
    found = optional(config, "kv_heads") or family.kv_heads or heads
    return min(found, heads)


def _intermediate(config: dict[str, Any], hidden: int, family: Family, source: str) -> int:
    found = optional(config, "intermediate") or optional(config, "moe_intermediate")
    if found is None and family.mlp_ratio is None:
        raise InputError("architecture.missing", source=source, key="intermediate_size", also="ffn_dim, n_inner, d_ff")
    return found or hidden * (family.mlp_ratio or 4)


def _feed_forward(config: dict[str, Any], hidden: int, model_type: str, family: Family, source: str) -> int:
    """Width of the plain feed-forward part, where families make it otherwise than the config says."""
    if model_type in PURE:
        return 0
    if model_type == "granitemoehybrid" and (optional(config, "experts") or 0) < 2:
        return whole(config, "shared_intermediate_size", 1024)
    found = _intermediate(config, hidden, family, source)
    if model_type in ("llama4", "llama4_text"):
        return whole(config, "intermediate_size_mlp", found)
    if model_type == "lfm2" and config.get("block_auto_adjust_ff_dim") is not False:
        multiple, factor = whole(config, "block_multiple_of", 256), config.get("block_ffn_dim_multiplier", 1.0)
        wide = 2 * whole(config, "block_ff_dim", found) // 3
        wide = int(factor * wide) if isinstance(factor, int | float) and 0 < factor < 100 else wide
        return -(-wide // multiple) * multiple
    return found


def _tied(config: dict[str, Any], text: dict[str, Any], family: Family) -> bool:
    for part in (config, text):
        if isinstance(part.get("tie_word_embeddings"), bool):
            return bool(part["tie_word_embeddings"])
    return family.tied


def _tower(config: dict[str, Any], model_type: str) -> int:
    """Matrix weights of the vision tower that is loaded with the language model; patches and projector left out.

    Families whose text model transformers loads alone have none; one whose config is not read counts as none.
    """
    tower = config.get("vision_config")
    if not isinstance(tower, dict) or model_type in _ALONE:
        return 0
    width = next((whole(tower, key, 0) for key in ("embed_dim", "hidden_size", "width") if whole(tower, key, 0)), 0)
    layers = next((whole(tower, key, 0) for key in ("num_hidden_layers", "depth") if whole(tower, key, 0)), 0)
    ratio = tower.get("mlp_ratio")
    inner = whole(tower, "intermediate_size", int(width * ratio) if isinstance(ratio, int | float) and ratio > 0 else 0)
    if not (width and layers and inner) or max(width, inner) > LIMITS["hidden"] or layers > LIMITS["layers"]:
        return 0
    gated = tower.get("hidden_act") == "silu" or tower.get("model_type") == "pixtral"
    return layers * (4 * width * width + (3 if gated else 2) * width * inner)


def _parallel(config: dict[str, Any], model_type: str) -> bool:
    """Whether both norms of a layer read the same tensor: attention and feed-forward part stand side by side."""
    if model_type == "gpt_neox":
        return config.get("use_parallel_residual") is not False
    return model_type == "falcon" and config.get("new_decoder_architecture") is True


def _embedded(config: dict[str, Any], hidden: int) -> int:
    width = whole(config, "word_embed_proj_dim", hidden)
    return width if width != hidden and width < LIMITS["hidden"] else 0


def _activation(config: dict[str, Any], family: Family) -> str:
    return next((config[key] for key in _ACTIVATIONS if isinstance(config.get(key), str)), family.activation)


def _activation_kept(config: dict[str, Any], family: Family) -> int:
    return COMPOSED.get(_activation(config, family), 1)


def _dropped(config: dict[str, Any], family: Family) -> int:
    """Attention's answer and the feed-forward part's are dropped out where the config, or its family, says a share."""
    share = next((config[key] for key in _DROPOUTS if key in config), family.dropout)
    return 2 if isinstance(share, int | float) and not isinstance(share, bool) and 0 < share < 1 else 0


def _qk_norm(config: dict[str, Any], family: Family) -> str | None:
    asked = config.get("use_qk_norm", config.get("qk_layernorm"))
    if isinstance(asked, bool):
        return (family.qk_norm or "head") if asked else None
    return family.qk_norm


def _norms(config: dict[str, Any], model_type: str, family: Family) -> int:
    if model_type == "falcon" and (config.get("new_decoder_architecture") or config.get("parallel_attn") is False):
        return 2
    return 1 if config.get("parallel_attn") is True and model_type != "falcon" else family.norms


def _positions(config: dict[str, Any], family: Family) -> int:
    if family.positions is None:
        return 0
    found = config.get(family.positions, config.get("max_position_embeddings", 1024))
    return (found if isinstance(found, int) else 1024) + family.position_offset


def _biases(config: dict[str, Any], model_type: str, family: Family) -> dict[str, bool]:
    """Which linear layers have a bias. `attention_bias` means all four, except where the family fixes it."""
    attention = next(
        (config[k] for k in ("attention_bias", "qkv_bias", "add_qkv_bias", "use_bias", "bias") if k in config), None
    )
    qkv = family.qkv_bias if attention is None else bool(attention)
    only_qkv = model_type in (
        "qwen2",
        "qwen2_moe",
        "glm",
        "glm4",
        "glm4_moe",
        "chatglm",
        "qwen2_vl",
        "qwen2_5_vl",
        "stablelm",
    )
    out = family.out_bias if attention is None or only_qkv else bool(attention)
    out = bool(config["attention_out_bias"]) if "attention_out_bias" in config else out
    mlp = next((config[k] for k in ("mlp_bias", "use_bias", "bias") if k in config), family.mlp_bias)
    return {"qkv_bias": qkv, "out_bias": out, "mlp_bias": bool(mlp)}


def _windows(config: dict[str, Any], layers: int) -> dict[str, Any]:
    window = config.get("sliding_window") or config.get("attention_window_size")
    if not isinstance(window, int) or isinstance(window, bool) or config.get("use_sliding_window") is False:
        return {}
    kinds = config.get("layer_types")
    if isinstance(kinds, list):
        count = sum(1 for kind in kinds if "sliding" in str(kind))
    else:
        pattern = config.get("sliding_window_pattern") or config.get("_sliding_window_pattern")
        count = layers - layers // pattern if isinstance(pattern, int) and pattern > 1 else layers
    return {"window": window, "windowed_layers": min(count, layers)}


def _mla(config: dict[str, Any]) -> dict[str, Any]:
    """DeepSeek's latent attention: low-rank queries and keys-values, rotary part apart."""
    rank = config.get("kv_lora_rank")
    if not isinstance(rank, int) or isinstance(rank, bool) or rank <= 0:
        return {}
    return {
        "kv_rank": rank,
        "q_rank": whole(config, "q_lora_rank", 0),
        "rope_dim": whole(config, "qk_rope_head_dim", 64),
        "head_dim": whole(config, "qk_nope_head_dim", 128),
        "value_dim": whole(config, "v_head_dim", 128),
    }
