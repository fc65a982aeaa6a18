"""Bytes that stay for the whole run: weights, adapters, gradients and optimizer states, per GPU."""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from advisor.architecture import Architecture
from advisor.linears import Linear, linears, parameter_count, quantised_weights
from advisor.memory.optimizers import OPTIMIZERS, RANK
from advisor.memory.spec import ADAPTERS, Loss, Spec, Strategy, litgpt
from advisor.methods import Objective, Technique

NF4_BYTES = 0.5 + 4 / 64
"""Half a byte a weight and one fp32 scale for each 64 (bitsandbytes 4-bit, blocksize 64)."""
NF4_DOUBLE_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Scales themselves in 8 bits, with one fp32 scale for each 256 of them."""
_PACKED = {"nf4": NF4_BYTES, "nf4_double": NF4_DOUBLE_BYTES, "int8": 1.0}

_QKV = ("q_proj", "k_proj", "v_proj", "query_key_value", "c_attn", "wqkv", "qkv_proj", "w_pack", "attn.qkv", "qkv")
_ALIASES = {
    "qkv_proj": _QKV,
    "q_proj": ("q_proj", "query", "wq", "q_lin"),
    "k_proj": ("k_proj", "key", "wk", "k_lin"),
    "v_proj": ("v_proj", "value", "wv", "v_lin"),
    "o_proj": ("o_proj", "out_proj", "dense", "output_proj", "wo", "attn.c_proj", "out_lin"),
    "gate_up_proj": ("gate_proj", "up_proj", "gate_up_proj", "fc_1", "fc_2"),
    "gate_proj": ("gate_proj", "w1", "fc_1"),
    "up_proj": ("up_proj", "w3", "fc_2", "fc1", "c_fc", "dense_h_to_4h", "fc_in"),
    "in_proj_qkvz": ("in_proj_qkvz", "in_proj_qkv", "in_proj_z"),
    "in_proj_ba": ("in_proj_ba", "in_proj_b", "in_proj_a"),
    "down_proj": ("down_proj", "w2", "proj", "fc2", "dense_4h_to_h", "fc_out", "mlp.c_proj"),
}
_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
_HEADS = ("lm_head", "output", "embed_out", "head")


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes by name on one GPU; `trainable` counts weights that move over all GPUs.

    `buckets`: DDP exchanges gradients in buckets of its own, which hold all of them a second time
    (`torch.nn.parallel.DistributedDataParallel`, `gradient_as_bucket_view`, off by default); DeepSpeed's are of a size.
    `gathered`: shared weights that are whole from the forward pass to the end of the backward pass; `unreduced`:
    gradients of them that are whole until they are shared out.
    """

    weights: float
    adapters: float
    gradients: float
    states: float
    step: float
    reference: float
    casts: float
    trainable: int
    whole_weight: float
    whole_head: float
    dora: float
    buckets: float
    gathered: float
    unreduced: float


def adapted(spec: Spec) -> tuple[Linear, ...]:
    """The linear layers that carry an adapter; the head is told by `head_adapted`."""
    return _targeted(spec.arch, spec.targets) if spec.technique in ADAPTERS else ()


@lru_cache(maxsize=512)
def _targeted(arch: Architecture, targets: str | tuple[str, ...]) -> tuple[Linear, ...]:
    return tuple(linear for linear in linears(arch) if is_target(linear.name, targets))


def is_target(name: str, targets: str | tuple[str, ...]) -> bool:
    if targets == "all-linear":
        return True
    known = _names_of(name)
    return any(want in known or want.rpartition(".")[2] in known for want in _wanted(targets))


@lru_cache(maxsize=512)
def _wanted(targets: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names that are asked for; of a pattern as PEFT takes it, the names in it."""
    if targets == "attention":
        return _ATTENTION
    if isinstance(targets, str):
        return tuple(re.findall(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*", targets.lower()))
    return tuple(want.lower() for want in targets)


@lru_cache(maxsize=2048)
def _names_of(name: str) -> frozenset[str]:
    """Every name of the same layer: by our own name, else by each role that a family's name stands for."""
    short, owned = name.rpartition(".")[2].lower(), ".".join(name.split(".")[-2:]).lower()
    if short in _ALIASES:
        return frozenset(_ALIASES[short])
    roles = [names for names in _ALIASES.values() if short in names or owned in names]
    return frozenset({short, owned}.union(*roles))


def head_adapted(spec: Spec) -> bool:
    """Whether the output head carries an adapter too."""
    return spec.technique in ADAPTERS and not isinstance(spec.targets, str) and any(t in _HEADS for t in spec.targets)


def trainable_weights(spec: Spec) -> int:
    """Weights that move: all of them, or the adapter's, or the virtual tokens'."""
    arch = spec.arch
    if spec.full:
        return parameter_count(arch)
    if spec.technique is Technique.PREFIX:
        return spec.rank * arch.attending * (arch.k_width + arch.v_width)
    if spec.technique is Technique.PROMPT:
        return spec.rank * arch.hidden
    total = sum(_adapter(linear, spec) for linear in adapted(spec))
    if head_adapted(spec):
        total += spec.rank * (arch.hidden + arch.vocab) + (arch.vocab if spec.dora else 0)
    return total


def _adapter(linear: Linear, spec: Spec) -> int:
    one = spec.rank * (linear.d_in + linear.d_out) + (linear.d_out if spec.dora else 0)
    return one * linear.layers * linear.copies


def weight_bytes(spec: Spec) -> float:
    """The base model as it is loaded for training."""
    arch = spec.arch
    inside = quantised_weights(arch)
    outside = parameter_count(arch) - inside
    half = 4.0 if spec.mixed or spec.precision == "fp32" else 2.0
    if arch.tied and litgpt(spec):
        outside += arch.vocab * arch.hidden  # litgpt holds a head of its own beside a tied embedding
    if spec.quant is None:
        return half * (inside + outside + arch.tower)
    per = _PACKED[spec.quant]
    head = arch.vocab * arch.hidden if packs_head(spec) else 0
    return per * (inside + head + arch.tower) + (4.0 if spec.prepared else half) * (outside - head)


def packs_head(spec: Spec) -> bool:
    """Whether the output head is in 4 bits too, and whole for a moment: litgpt packs every linear layer."""
    return litgpt(spec) and spec.quant in ("nf4", "nf4_double")


def held(spec: Spec) -> Held:
    """Everything that stays, divided by what the GPUs share."""
    trainable = trainable_weights(spec)
    base = weight_bytes(spec)
    unit = _trainable_bytes(spec)
    adapters = 0.0 if spec.full else unit * trainable
    gradients = _gradients(spec, trainable, unit)
    states, step = _states(spec, trainable, unit)
    weights_over, grads_over, states_over = _shares(spec)
    return Held(
        weights=base / weights_over,
        adapters=adapters / weights_over,
        gradients=gradients / grads_over,
        states=states / states_over,
        step=step / states_over,
        reference=_others(spec) / weights_over,
        casts=_casts(spec),
        trainable=trainable,
        whole_weight=_largest_whole_weight(spec),
        whole_head=2.0 * spec.arch.vocab * spec.arch.hidden if packs_head(spec) else 0.0,
        dora=_dora(spec),
        buckets=_buckets(spec, trainable, unit),
        gathered=_gathered(spec),
        unreduced=_half(spec) * (_root(spec.arch) + _one_layer(spec.arch)) if spec.gathers and spec.full else 0.0,
    )


def _trainable_bytes(spec: Spec) -> float:
    if spec.full:
        return 4.0 if spec.mixed or spec.precision == "fp32" else 2.0
    return 4.0 if spec.adapter_dtype == "fp32" or spec.precision == "fp32" else 2.0


def _states(spec: Spec, trainable: int, unit: float) -> tuple[float, float]:
    """Bytes of the optimizer's states, and of the temporary that its step makes."""
    kind = OPTIMIZERS.get(spec.optimizer.lower(), OPTIMIZERS["adamw_torch_fused"])
    each = unit if kind.bytes_each is None else kind.bytes_each
    projected = _projected(spec, trainable, kind.states) if kind.projected and spec.full else None
    weights = kind.states * trainable if projected is None else projected
    if spec.deepspeed and spec.full and spec.precision != "fp32":
        # fp32 weights beside the states, and fp32 gradients as it steps (`estimate_zero2_model_states_mem_needs`)
        return max(each, 4.0) * weights + 4.0 * trainable, 4.0 * trainable
    return each * weights, unit * trainable if kind.foreach else 0.0


def _projected(spec: Spec, trainable: int, states: float) -> float:
    """States where each matrix keeps RANK rows of them and its projection; all other weights keep them whole."""
    low = 0.0
    for one in linears(spec.arch):
        short, wide = sorted((one.d_in, one.d_out))
        rank = min(RANK, short)
        low += rank * (states * wide + short) * one.layers * one.copies
    return states * (trainable - quantised_weights(spec.arch)) + low


def _gradients(spec: Spec, trainable: int, unit: float) -> float:
    """Bytes of gradients that are there together: all, or the largest where each is used at once."""
    kind = OPTIMIZERS.get(spec.optimizer.lower())
    if kind is None or not kind.layerwise or not spec.full:
        return unit * trainable
    return unit * max(quantised_weights(spec.arch) / spec.arch.layers, spec.arch.vocab * spec.arch.hidden)


def _shares(spec: Spec) -> tuple[int, int, int]:
    """By how many weights, gradients and states are divided."""
    n = spec.n_gpus
    if spec.strategy in (Strategy.FSDP2, Strategy.ZERO3):
        return n, n, n
    return (1, n, n) if spec.strategy is Strategy.ZERO2 else (1, 1, 1)


def _others(spec: Spec) -> float:
    """Models beside the one that learns: a reference where there is no adapter to switch off, PPO's judges."""
    if not spec.full and spec.objective is not Objective.RLHF_PPO:
        return 0.0
    count = parameter_count(spec.arch)
    half = 4.0 if spec.mixed or spec.precision == "fp32" else 2.0
    if spec.objective is Objective.RLHF_PPO:
        judge = weight_bytes(spec) if spec.quant else 2.0 * count
        value = half * count * 4 if spec.full else judge
        return judge + value + (half * count if spec.full else 0.0)
    wants = spec.objective in (Objective.DPO, Objective.KTO, Objective.GRPO)
    return half * count if wants and spec.full else 0.0


def _casts(spec: Spec) -> float:
    """Half-precision copies of fp32 weights that autocast keeps until the forward pass ends."""
    if not spec.full:
        lifted = spec.autocast and _trainable_bytes(spec) == 4.0 and spec.precision != "fp32"
        return 2.0 * trainable_weights(spec) if lifted and spec.technique in ADAPTERS else 0.0
    if not spec.mixed or spec.gathers:
        return 0.0
    head = spec.arch.vocab * spec.arch.hidden if spec.loss is Loss.FULL_LOGITS else 0
    return 2.0 * (quantised_weights(spec.arch) + head)


def _largest_whole_weight(spec: Spec) -> float:
    """Weights that are whole for a moment: an unpacked 4-bit matrix, and with FSDP the layer at work and the next."""
    unpacked = spec.quant in ("nf4", "nf4_double")
    whole = 2.0 * max(linear.d_in * linear.d_out for linear in linears(spec.arch)) if unpacked else 0.0
    per = _PACKED.get(spec.quant or "", _half(spec))
    return whole + (2.0 * per * _one_layer(spec.arch) if spec.gathers else 0.0)


def _half(spec: Spec) -> float:
    return 4.0 if spec.precision == "fp32" else 2.0


def _one_layer(arch: Architecture) -> float:
    return quantised_weights(arch) / arch.layers


def _root(arch: Architecture) -> int:
    """Weights outside the layers: embedding and head."""
    return arch.vocab * arch.hidden * (1 if arch.tied else 2)


def _gathered(spec: Spec) -> float:
    """FSDP2 leaves what is outside the layers whole (`fully_shard`: the root is not resharded after its forward pass);
    ZeRO-3 lets go of weights only above `stage3_max_live_parameters`.
    """
    if spec.gathers:
        return (4.0 if spec.prepared else _half(spec)) * _root(spec.arch)
    if spec.n_gpus > 1 and spec.strategy is Strategy.ZERO3:
        return _half(spec) * min(_LIVE, parameter_count(spec.arch))
    return 0.0


_LIVE = 1e9
"""DeepSpeed's default of `stage3_max_live_parameters`."""
_BUCKET = 5e8
"""DeepSpeed's default of `reduce_bucket_size`; ZeRO-3 fills a second one while the first is sent (`overlap_comm`)."""


def _buckets(spec: Spec, trainable: int, unit: float) -> float:
    if spec.n_gpus == 1:
        return 0.0
    if spec.deepspeed:
        return _half(spec) * min(_BUCKET, trainable) * (2 if spec.strategy is Strategy.ZERO3 else 1)
    return unit * trainable if spec.strategy is Strategy.DDP else 0.0


def _dora(spec: Spec) -> float:
    """PEFT multiplies an identity through A and B to get a layer's whole update, then norms weight plus update.

    Alive at once: the identity, the update, the weight, the scaled update and their sum (`peft/tuners/lora/dora.py`).
    """
    if not spec.dora:
        return 0.0
    unit = 4.0 if spec.adapter_dtype == "fp32" else 2.0
    weights = 4.0 if unit == 4.0 else 3.0
    return unit * max((one.d_in**2 + weights * one.d_in * one.d_out for one in adapted(spec)), default=0.0)
