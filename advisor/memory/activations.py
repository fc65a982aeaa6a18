"""Tensors that autograd keeps for the backward pass, counted op by op in bytes per token.

Source: reading of the Hugging Face decoder layer and of PEFT's LoRA layer, checked against fake-tensor traces of
the same code (`../shared/research/memory.md`, 3.3) and by `tests/advisor/memory`.
"""

from __future__ import annotations

import msgspec

from advisor.linears import Enters, Linear, linears
from advisor.memory.loss import rows
from advisor.memory.spec import SOFT, Attention, Spec, litgpt
from advisor.memory.weights import adapted
from advisor.methods import Technique


class Formats(msgspec.Struct, frozen=True):
    """Bytes per feature: residual stream, outputs of linear layers, attention, the adapter's input and its own."""

    residual: int
    projected: int
    attention: int
    inside: int
    adapter: int


def formats(spec: Spec) -> Formats:
    """Number formats as they flow through one layer."""
    whole = spec.precision == "fp32"
    lifted = whole or (spec.mixed and not spec.gathers) or spec.prepared
    half = 4 if whole else 2
    adapter = 4 if spec.adapter_dtype == "fp32" or whole else 2
    casts = spec.autocast and not whole
    projected = 4 if whole or spec.prepared else 2
    attention = 2 if casts or spec.mixed else projected
    return Formats(4 if lifted else half, projected, attention, 2 if casts else adapter, adapter)


class Layer(msgspec.Struct, frozen=True):
    """Bytes per token of one layer: kept without checkpointing and with it, and the backward pass's own.

    `shared` of `kept` is the layer's entry itself; `product` passes while a whole weight is unpacked, `lifting` while
    the last adapter's input is brought to its format, `unheld` where nothing is kept (a reference's forward pass).
    """

    kept: float
    entry: float
    shared: float
    passing: float
    product: float
    lifting: float
    unheld: float


def layer(spec: Spec) -> Layer:
    """What one decoder layer keeps, averaged over the layers where they differ."""
    f = formats(spec)
    a = spec.arch
    kept = _norms(spec, f) + _mixing(spec, f) + _mlp(spec, f) + _inputs(spec, f) + _adapters(spec, f)
    kept += float(a.hidden * a.dropped)
    entry = float(f.residual * a.hidden)
    shared = entry if f.residual == 4 or a.layer_norm else 0.0
    product = f.projected * _width(spec)
    lifting = _lifting(spec, f)
    unheld = 2 * entry + max(3 * product, product + lifting)
    return Layer(kept, entry, shared, _passing(spec, f), product + entry, lifting, unheld)


def _norms(spec: Spec, f: Formats) -> float:
    a = spec.arch
    weighed = 4 if a.norm_whole else f.residual  # what the norm's weight multiplies, kept for the weight's gradient
    saved = f.residual if a.layer_norm else 4 + (weighed if spec.full else 0)
    # Norms side by side share what they read; litgpt's published peaks of such models hold it twice all the same.
    inputs = 1 if a.parallel and not litgpt(spec) else a.norms
    total = float(saved * a.hidden * inputs)
    if a.qk_norm:
        weighed = 4 if a.norm_whole else f.projected
        total += (4 + (weighed if spec.full else 0)) * (a.q_width + a.k_width) * a.attending / a.layers
    return total


def _mixing(spec: Spec, f: Formats) -> float:
    """Attention, and in hybrids what mixes tokens in its stead, each by its share of the layers."""
    a = spec.arch
    other = f.projected * a.mixer.kept * a.mixer_layers if a.mixer else 0
    return (_attention(spec, f) * a.attending + other) / a.layers


def _attention(spec: Spec, f: Formats) -> float:
    a = spec.arch
    keys = a.k_width + a.v_width
    if masked(spec) or spec.attn is Attention.EAGER:
        keys = keys * (a.heads // max(a.kv_heads, 1))
    kept = float(f.attention * (a.q_width + keys + a.out_width) + 4 * a.heads)
    kept += _one_product(spec, f, keys)
    if spec.attn is Attention.EAGER:
        return kept + 6 * a.heads * spec.seq_len
    return kept + (f.attention * spec.seq_len if masked(spec) else 0)


def _one_product(spec: Spec, f: Formats, keys: int) -> float:
    """What one matrix for queries, keys and values keeps besides: views into its answer hold all of it.

    Values are a view, and queries and keys are where they are not turned; a cast copies all three, and a prefix is
    joined to keys and values in a copy.
    """
    a = spec.arch
    if not ("qkv" in a.shared or (spec.fused_qkv and not a.kv_rank)) or f.attention != f.projected:
        return 0.0
    if spec.technique is Technique.PREFIX:
        return 0.0 if a.rotary else float(f.projected * keys)
    return float(f.projected * (a.q_width + a.k_width)) if a.rotary else 0.0


def masked(spec: Spec) -> bool:
    """Rows of unequal length in one batch make a mask under SDPA; one row alone, packed rows and flash do not."""
    return spec.attn is Attention.SDPA and rows(spec) > 1 and not spec.packing


def _width(spec: Spec) -> float:
    """Features inside the feed-forward part that one token passes, averaged over the layers."""
    a = spec.arch
    if not a.experts:
        return float(a.intermediate) * (a.layers - a.bare_layers) / a.layers
    mixed = a.active_experts * a.moe_intermediate + a.shared_intermediate
    return (a.dense_layers * a.intermediate + a.moe_layers * mixed) / a.layers


def _mlp(spec: Spec, f: Formats) -> float:
    a = spec.arch
    composed = 0 if spec.fused_qkv else a.activation_kept - 1
    kept = ((3 if a.gated else 1) + composed) * f.projected * _width(spec)
    if a.experts:
        kept += (2 * f.projected * a.active_experts * a.hidden) * a.moe_layers / a.layers
    return kept


def earlier_inputs(spec: Spec) -> float:
    """Bytes per token of inputs of 4-bit layers of the step before, over all layers: its graph lives as long as its
    loss and logits are bound (litgpt's loop), and old bitsandbytes keeps inputs on the graph, not among what backward
    frees.
    """
    if not (spec.inputs_kept and spec.quant and litgpt(spec)):
        return 0.0
    read = {(one.enters, one.expert): one.d_in * _share(one, spec) for one in linears(spec.arch)}
    return 2.0 * sum(read.values()) * spec.arch.layers


def _share(linear: Linear, spec: Spec) -> float:
    """How often one token passes this kind of layer, averaged over the layers."""
    times = spec.arch.active_experts if linear.expert else linear.copies
    return times * linear.layers / spec.arch.layers


def _read(linear: Linear, spec: Spec) -> tuple[Enters, bool, str]:
    """Layers with the same key read the same tensor; with one norm a layer, both parts read its answer."""
    one = spec.arch.norms == 1 and linear.enters is Enters.MLP
    return (Enters.ATTENTION if one else linear.enters), linear.expert, linear.name.rpartition(".")[0]


def _is_answer(linear: Linear, spec: Spec) -> bool:
    """Whether what the layer reads is the activation's answer, which the activation keeps anyway."""
    return linear.enters is Enters.PRODUCT and spec.arch.answer_kept


def _raw(enters: Enters, f: Formats) -> int:
    """Bytes per feature of what a linear layer is given."""
    if enters in (Enters.ATTENTION, Enters.MLP):
        return f.residual
    return f.attention if enters is Enters.ANSWER else f.projected


def _inputs(spec: Spec, f: Formats) -> float:
    """Inputs of linear layers that move: kept once where the layers share them, else once a layer.

    bitsandbytes up to 0.44 kept the inputs of frozen 4-bit layers too (`MatMul4Bit`: `ctx.tensors = (A, B)`).
    """
    if not (spec.full or (spec.inputs_kept and spec.quant)):
        return 0.0
    total = 0.0
    seen: set[tuple[Enters, bool, str]] = set()
    for linear in linears(spec.arch):
        raw = _raw(linear.enters, f)
        cast = (spec.mixed or bool(spec.quant)) and raw != 2
        key = _read(linear, spec)
        if linear.enters is Enters.ANSWER or (not cast and (key in seen or _is_answer(linear, spec))):
            continue
        seen.add(key)
        total += (2 if cast else raw) * linear.d_in * _share(linear, spec)
    return total


def _adapters(spec: Spec, f: Formats) -> float:
    """Inputs of the adapters' A (cast, dropped out, or shared), A's outputs, and DoRA's two results."""
    if spec.technique in SOFT:
        return 0.0
    total = 0.0
    seen: set[tuple[Enters, bool, str]] = set()
    for linear in adapted(spec):
        share = _share(linear, spec)
        total += _input_of_a(linear, spec, f, seen) * share
        total += f.inside * spec.rank * share
        total += (f.projected + f.inside) * linear.d_out * share if spec.dora else 0.0
    return total


def _input_of_a(linear: Linear, spec: Spec, f: Formats, seen: set[tuple[Enters, bool, str]]) -> float:
    if spec.lora_dropout > 0:
        return (1 + f.inside) * linear.d_in
    raw = _raw(linear.enters, f)
    copied = raw != f.inside or (f.adapter != raw and not spec.quant)
    if copied:
        return float(f.inside * linear.d_in)
    key = _read(linear, spec)
    if key in seen or linear.enters is Enters.ANSWER or _is_answer(linear, spec):
        return 0.0
    seen.add(key)
    return float(raw * linear.d_in)


def _lifting(spec: Spec, f: Formats) -> float:
    """Copies of the widest adapter's input that are not kept: in the adapter's format, dropped out, then autocast's.

    PEFT: `_cast_input_dtype`, then dropout, whose answers live until the layer is done; it leaves the cast to autocast
    where a 4-bit layer runs under it.
    """
    width = max((one.d_in * _share(one, spec) for one in adapted(spec) if one.enters is Enters.PRODUCT), default=0.0)
    raw = f.projected
    lifted = f.adapter > raw and not (spec.quant and spec.autocast)
    copies = lifted + (spec.lora_dropout > 0)
    size = f.adapter if lifted else raw
    kept = size == f.inside and copies > 0
    return float(size * width * (copies - kept))


def _passing(spec: Spec, f: Formats) -> float:
    """Gradients on their way through the feed-forward part, where a layer's backward pass peaks."""
    a = spec.arch
    width = _width(spec)
    inner = (3 if a.gated else 2) * f.projected * width
    names = {linear.name.rpartition(".")[2] for linear in adapted(spec)}
    if spec.full:
        return inner - f.projected * width + f.residual * a.hidden
    if "down_proj" in names:
        back = f.inside if spec.quant else f.adapter
        lifted = back * width + (2 * f.inside + 2 * f.residual) * a.hidden
        return max(lifted, inner - f.inside * width + f.residual * a.hidden)
    return inner + f.residual * a.hidden
