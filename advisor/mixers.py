"""Layers that mix tokens without attention (Mamba, gated delta nets, short convolutions): their weights are counted
exactly, as each family's code in transformers 5.23 makes them; what they keep for the backward pass is rough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec


class Matrix(msgspec.Struct, frozen=True):
    """One weight matrix of a mixing layer."""

    name: str
    d_in: int
    d_out: int


class Mixer(msgspec.Struct, frozen=True):
    """One mixing layer: its matrices, its other weights, and the features a token leaves for the backward pass.

    `kept` is what the families' own CUDA kernels keep: each kernel's inputs, and its answer. Without the kernels the
    plain code keeps several times as much.
    """

    matrices: tuple[Matrix, ...]
    small: int
    kept: int


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Which of the layers attend, mix, are mixtures of experts, and have no feed-forward part at all."""

    attending: int
    mixing: int
    experts: int | None = None
    bare: int = 0
    layers: int | None = None


def _number(config: dict[str, Any], key: str, default: int) -> int:
    value = config.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**7 else default


def _mamba(config: dict[str, Any], hidden: int) -> Mixer:
    """`MambaMixer` (Mamba 1; Jamba adds three norms)."""
    jamba = "mamba_d_state" in config
    named = "mamba_" if jamba else ""
    inner = _number(config, "mamba_expand" if jamba else "expand", 2) * hidden
    if not jamba:
        inner = _number(config, "intermediate_size", inner)
    state = _number(config, "mamba_d_state" if jamba else "state_size", 16)
    rank = _number(config, f"{named}dt_rank" if jamba else "time_step_rank", math.ceil(hidden / 16))
    kernel = _number(config, "mamba_d_conv" if jamba else "conv_kernel", 4)
    biased = config.get("mamba_proj_bias" if jamba else "use_bias") is True
    conv_bias = config.get("mamba_conv_bias" if jamba else "use_conv_bias") is not False
    small = inner * (state + 1 + kernel + conv_bias + 1) + (2 * inner + hidden if biased else 0)
    return Mixer(
        (
            Matrix("in_proj", hidden, 2 * inner),
            Matrix("x_proj", inner, rank + 2 * state),
            Matrix("dt_proj", rank, inner),
            Matrix("out_proj", inner, hidden),
        ),
        small + (rank + 2 * state if jamba else 0),
        5 * inner + rank + 2 * state,
    )


def _mamba2(config: dict[str, Any], hidden: int) -> Mixer:
    """`Mamba2Mixer`, and Bamba's, Granite's, Falcon's and Nemotron's forms of it."""
    heads = _first(config, ("mamba_n_heads", "mamba_num_heads", "num_heads"), 128)
    size = _first(config, ("mamba_d_head", "mamba_head_dim", "head_dim"), 64)
    wide_by = heads * size if "mamba_num_heads" in config else _first(config, ("mamba_expand", "expand"), 2) * hidden
    inner = _number(config, "mamba_d_ssm", wide_by)
    groups = _first(config, ("mamba_n_groups", "n_groups"), 1 if "mamba_n_heads" in config else 8)
    state = _first(config, ("mamba_d_state", "ssm_state_size", "state_size"), 128)
    kernel = _first(config, ("mamba_d_conv", "conv_kernel"), 4)
    mixed = inner + 2 * groups * state
    conv_bias = next((config[k] for k in ("mamba_conv_bias", "use_conv_bias") if k in config), True) is not False
    biased = any(config.get(key) is True for key in ("mamba_proj_bias", "projectors_bias", "use_bias"))
    wide = inner + mixed + heads
    normed = inner if "mamba_rms_norm" not in config or config["mamba_rms_norm"] is True else 0
    small = mixed * (kernel + conv_bias) + 3 * heads + normed + (wide + hidden if biased else 0)
    matrices = (Matrix("in_proj", hidden, wide), Matrix("out_proj", inner, hidden))
    return Mixer(matrices, small, wide + 2 * inner)


def _delta(config: dict[str, Any], hidden: int) -> Mixer:
    """`Qwen3NextGatedDeltaNet` and Qwen 3.5's form of it."""
    value_heads = _number(config, "linear_num_value_heads", 32)
    value_size = _number(config, "linear_value_head_dim", 128)
    key = _number(config, "linear_num_key_heads", 16) * _number(config, "linear_key_head_dim", 128)
    value = value_heads * value_size
    mixed = 2 * key + value
    matrices = (
        Matrix("in_proj_qkvz", hidden, mixed + value),
        Matrix("in_proj_ba", hidden, 2 * value_heads),
        Matrix("out_proj", value, hidden),
    )
    small = mixed * _number(config, "linear_conv_kernel_dim", 4) + 2 * value_heads + value_size
    return Mixer(matrices, small, 2 * mixed + 3 * value)


def _short_convolution(config: dict[str, Any], hidden: int) -> Mixer:
    """`Lfm2ShortConv`."""
    biased = config.get("conv_bias") is True
    small = hidden * _number(config, "conv_L_cache", 3) + (5 * hidden if biased else 0)
    return Mixer((Matrix("in_proj", hidden, 3 * hidden), Matrix("out_proj", hidden, hidden)), small, 5 * hidden)


def _first(config: dict[str, Any], keys: tuple[str, ...], default: int) -> int:
    return next((_number(config, key, default) for key in keys if key in config), default)


_KINDS: dict[str, Callable[[dict[str, Any], int], Mixer]] = {
    **dict.fromkeys(("mamba", "falcon_mamba", "jamba"), _mamba),
    **dict.fromkeys(("mamba2", "bamba", "falcon_h1", "granitemoehybrid", "nemotron_h"), _mamba2),
    **dict.fromkeys(
        ("qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text"),
        _delta,
    ),
    **dict.fromkeys(("lfm2", "lfm2_moe"), _short_convolution),
}
PURE = frozenset({"mamba", "mamba2", "falcon_mamba"})
_BLOCKS = {"M": "mamba", "*": "attention", "-": "mlp", "E": "moe"}


def mixer_of(config: dict[str, Any], model_type: str, hidden: int) -> Mixer | None:
    """The family's mixing layer; None where every layer attends."""
    make = _KINDS.get(model_type)
    return None if make is None else make(config, hidden)


def mixes(model_type: str) -> bool:
    """Whether some of the family's layers mix tokens without attention."""
    return model_type in _KINDS


def layout(config: dict[str, Any], model_type: str, layers: int) -> Layout:
    """How many layers are of which kind, by the keys that the family's config has for it."""
    if model_type in PURE:
        return Layout(attending=0, mixing=layers, bare=layers)
    if model_type == "falcon_h1":
        return Layout(attending=layers, mixing=layers)
    if model_type == "nemotron_h":
        return _blocks(kinds(config) or [])
    if model_type == "jamba":
        return _jamba(config, layers)
    found = kinds(config)
    if found is None:
        found = _by_place(config, model_type, layers)
    attending = sum("attention" in kind and "linear" not in kind for kind in found[:layers])
    return Layout(attending=attending, mixing=layers - attending)


def kinds(config: dict[str, Any]) -> list[str] | None:
    """Each layer's kind where the config lists them."""
    pattern = config.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        return [_BLOCKS[mark] for mark in pattern if mark in _BLOCKS]
    for key in ("layer_types", "layers_block_type"):
        if isinstance(config.get(key), list):
            return [str(kind) for kind in config[key]]
    return None


def _by_place(config: dict[str, Any], model_type: str, layers: int) -> list[str]:
    if model_type.startswith("qwen3"):
        every = _number(config, "full_attention_interval", 4)
        return ["linear" if (at + 1) % every else "attention" for at in range(layers)]
    places = config.get("attn_layer_indices" if model_type == "bamba" else "full_attn_idxs")
    if not isinstance(places, list):
        places = list(range(layers)) if model_type.startswith("lfm2") else []
    return ["attention" if at in places else "linear" for at in range(layers)]


def _jamba(config: dict[str, Any], layers: int) -> Layout:
    def count(kind: str, period: int, offset: int) -> int:
        every = _number(config, f"{kind}_layer_period", period)
        first = config.get(f"{kind}_layer_offset", offset)
        return sum(at % every == first for at in range(layers))

    attending = count("attn", 8, 4)
    return Layout(attending=attending, mixing=layers - attending, experts=count("expert", 2, 1))


def _blocks(found: list[str]) -> Layout:
    """Nemotron-H: every layer is one thing, and only some are a feed-forward part."""
    attending = sum(kind in ("attention", "full_attention") for kind in found)
    mixing = sum(kind in ("mamba", "linear_attention") for kind in found)
    return Layout(
        attending=attending,
        mixing=mixing,
        experts=found.count("moe"),
        bare=attending + mixing,
        layers=len(found),
    )
