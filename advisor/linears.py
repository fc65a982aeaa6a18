"""Every weight matrix of a model by name, role and size: counts, adapters and quantisation all read this list."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import msgspec

from advisor.architecture import Architecture
from advisor.gemma import Own


class Enters(StrEnum):
    """What a linear layer reads; layers that read the same tensor can share what autograd keeps."""

    ATTENTION = "attention"
    ANSWER = "answer"
    MLP = "mlp"
    PRODUCT = "product"
    LATENT = "latent"
    HEAD = "head"


class Linear(msgspec.Struct, frozen=True, cache_hash=True):
    """One kind of linear layer: `layers` = how many decoder layers have it, `copies` = how many in each of them."""

    name: str
    d_in: int
    d_out: int
    enters: Enters
    layers: int
    copies: int = 1
    bias: bool = False
    expert: bool = False

    @property
    def weights(self) -> int:
        """Weights of all of them, biases left out."""
        return self.d_in * self.d_out * self.layers * self.copies

    @property
    def biases(self) -> int:
        """Biases of all of them."""
        return self.d_out * self.layers * self.copies if self.bias else 0


@lru_cache(maxsize=512)
def linears(arch: Architecture) -> tuple[Linear, ...]:
    """All linear layers of the decoder, the head left out."""
    return (*_attention(arch), *_mixing(arch), *_dense_mlp(arch), *_experts(arch))


def _attention(a: Architecture) -> list[Linear]:
    into, n = Enters.ATTENTION, a.attending
    if a.own:
        return [_own(one, a) for one in a.own.matrices]
    if not n:
        return []
    answer = Linear("o_proj", a.out_width, a.hidden, Enters.ANSWER, n, bias=a.out_bias)
    if a.kv_rank:
        return [*_latent_attention(a), answer]
    if "qkv" in a.shared:
        return [Linear("qkv_proj", a.hidden, a.q_width + a.k_width + a.v_width, into, n, bias=a.qkv_bias), answer]
    return [
        Linear("q_proj", a.hidden, a.q_width * (2 if a.query_gate else 1), into, n, bias=a.qkv_bias),
        Linear("k_proj", a.hidden, a.k_width, into, n, bias=a.qkv_bias),
        Linear("v_proj", a.hidden, a.v_width, into, n, bias=a.qkv_bias),
        answer,
    ]


def _own(one: Own, a: Architecture) -> Linear:
    """A matrix that the family lists by itself, by what it reads."""
    if one.name.endswith("o_proj"):
        return Linear(one.name, one.d_in, one.d_out, Enters.ANSWER, one.layers)
    feeds = one.name.startswith("wide.") or one.d_in != a.hidden
    enters = Enters.PRODUCT if one.d_in != a.hidden else Enters.MLP if feeds else Enters.ATTENTION
    return Linear(one.name, one.d_in, one.d_out, enters, one.layers)


def _mixing(a: Architecture) -> list[Linear]:
    """Matrices of layers that mix tokens without attention."""
    if a.mixer is None or not a.mixer_layers:
        return []
    return [
        Linear(
            f"mixer.{one.name}", one.d_in, one.d_out, Enters.ATTENTION if one.d_in == a.hidden else Enters.PRODUCT,
            a.mixer_layers,
        )
        for one in a.mixer.matrices
    ]  # fmt: skip


def _latent_attention(a: Architecture) -> list[Linear]:
    n = a.attending
    if a.q_rank:
        query = [
            Linear("q_a_proj", a.hidden, a.q_rank, Enters.ATTENTION, n),
            Linear("q_b_proj", a.q_rank, a.q_width, Enters.LATENT, n),
        ]
    else:
        query = [Linear("q_proj", a.hidden, a.q_width, Enters.ATTENTION, n)]
    return [
        *query,
        Linear("kv_a_proj_with_mqa", a.hidden, a.kv_rank + a.rope_dim, Enters.ATTENTION, n),
        Linear("kv_b_proj", a.kv_rank, a.heads * (a.head_dim + a.value_dim), Enters.LATENT, n),
    ]


def _dense_mlp(a: Architecture) -> list[Linear]:
    n = a.dense_layers if a.experts else a.layers - a.bare_layers
    return _mlp(a, a.intermediate, n, 1, "", False) if n else []


def _mlp(a: Architecture, width: int, layers: int, copies: int, prefix: str, expert: bool) -> list[Linear]:
    bias = a.expert_bias if expert else a.mlp_bias

    def one(name: str, d_in: int, d_out: int, enters: Enters) -> Linear:
        return Linear(prefix + name, d_in, d_out, enters, layers, copies, bias, expert)

    down = one("down_proj", width, a.hidden, Enters.PRODUCT)
    if not a.gated:
        return [one("up_proj", a.hidden, width, Enters.MLP), down]
    if "gate_up" in a.shared and not expert:
        return [one("gate_up_proj", a.hidden, 2 * width, Enters.MLP), down]
    return [one("gate_proj", a.hidden, width, Enters.MLP), one("up_proj", a.hidden, width, Enters.MLP), down]


def _experts(a: Architecture) -> list[Linear]:
    if not a.experts:
        return []
    routed = _mlp(a, a.moe_intermediate, a.moe_layers, a.experts, "experts.", True)
    shared = _mlp(a, a.shared_intermediate, a.moe_layers, 1, "shared.", False) if a.shared_intermediate else []
    return [*routed, *shared]


@lru_cache(maxsize=512)
def quantised_weights(arch: Architecture) -> int:
    """Weights of the linear layers: what 4-bit loading packs."""
    return sum(linear.weights for linear in linears(arch))


@lru_cache(maxsize=512)
def parameter_count(arch: Architecture) -> int:
    """All parameters of the language model; towers for images or sound are not counted."""
    inside = sum(linear.weights + linear.biases for linear in linears(arch))
    return inside + small_weights(arch) + embedding_weights(arch) + head_weights(arch)


def embedding_weights(arch: Architecture) -> int:
    """Token embeddings, and learned positions where the family has them; OPT 350M's are narrower and projected."""
    if arch.embedded:
        return arch.vocab * arch.embedded + (arch.positions + 2 * arch.embedded) * arch.hidden
    return (arch.vocab + arch.positions) * arch.hidden + (arch.own.outside if arch.own else 0)


def head_weights(arch: Architecture) -> int:
    """The output head where it is not the embedding itself."""
    return 0 if arch.tied else arch.vocab * arch.hidden + (arch.vocab if arch.head_bias else 0)


def small_weights(arch: Architecture) -> int:
    """Norms, routers, attention sinks: few weights, but they stay out of quantisation."""
    one = arch.hidden * (2 if arch.norm_bias else 1) if arch.norm_weight else 0
    norms = one * (arch.layers * arch.norms + 1 + arch.extra_norms)
    mixing = arch.mixer.small * arch.mixer_layers if arch.mixer else arch.own.small if arch.own else 0
    return norms + mixing + _qk_norm_weights(arch) + _router_weights(arch) + _latent_norms(arch)


def _qk_norm_weights(a: Architecture) -> int:
    if a.qk_norm == "head":
        return 2 * a.head_dim * a.attending
    return (a.q_width + a.k_width) * a.attending if a.qk_norm == "full" else 0


def _router_weights(a: Architecture) -> int:
    router = a.experts * (a.hidden + (1 if a.expert_bias else 0)) * a.moe_layers
    gated = a.model_type.startswith(("qwen2_moe", "qwen3_next", "qwen3_5_moe"))
    gate = a.hidden * a.moe_layers if gated and a.shared_intermediate else 0
    return router + gate + (a.heads * a.layers if a.sinks else 0)


def _latent_norms(a: Architecture) -> int:
    return (a.kv_rank + a.q_rank) * a.layers if a.kv_rank else 0


@lru_cache(maxsize=512)
def active_matmul_weights(arch: Architecture) -> int:
    """Weights that one token is multiplied with in the forward pass: no input embedding, only active experts."""
    total = 0
    for linear in linears(arch):
        share = arch.active_experts if linear.expert else linear.copies
        total += linear.d_in * linear.d_out * linear.layers * share
    return total + arch.vocab * arch.hidden
