"""Spec: one training set-up as the contract names it; a missing key takes what our own training would use."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from advisor.architecture import Architecture
from advisor.methods import Objective, Technique


class Attention(StrEnum):
    """How attention is computed, which decides what it keeps for the backward pass."""

    SDPA = "sdpa"
    FLASH = "flash"
    EAGER = "eager"


class Loss(StrEnum):
    """How logits become a loss: all of them at once, in chunks (TRL 1.16's default), or Liger's fused kernel."""

    FULL_LOGITS = "full_logits"
    CHUNKED = "chunked"
    LIGER = "liger"


class Strategy(StrEnum):
    """What several GPUs share: nothing but gradients (ddp), or weights, gradients and states."""

    DDP = "ddp"
    FSDP2 = "fsdp2"
    ZERO2 = "zero2"
    ZERO3 = "zero3"


PRECISIONS = ("bf16", "fp16", "fp32", "bf16_mixed", "fp16_mixed")
QUANTS = ("nf4", "nf4_double", "int8")
ADAPTERS = frozenset({Technique.LORA, Technique.QLORA})
SOFT = frozenset({Technique.PREFIX, Technique.PROMPT})


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One set-up. Lengths in tokens (`seq_len` is the longest row), `micro_batch` in rows per GPU.

    `precision` bf16 and fp16 hold the weights in that format; bf16_mixed and fp16_mixed hold fp32 weights and
    compute under autocast. `inputs_kept`: bitsandbytes of a version that keeps the inputs of 4-bit layers.
    `earlier`: length of the step before beside the longest row, where the loop still holds that step's inputs.
    `fused_qkv`: one matrix makes queries, keys and values whatever the config says (litgpt).
    `lifts`: k-bit preparation leaves embeddings, head and norms in fp32; trainers with flash attention put them back.
    """

    arch: Architecture
    id: str | None = None
    model_name: str | None = None
    objective: Objective = Objective.SFT
    technique: Technique = Technique.LORA
    rank: int = 16
    targets: str | tuple[str, ...] = "all-linear"
    seq_len: int = 1024
    micro_batch: int = 1
    grad_accum: int = 1
    grad_ckpt: bool = True
    optimizer: str = "adamw_torch_fused"
    attn: Attention = Attention.SDPA
    precision: str = "bf16"
    quant: str | None = None
    adapter_dtype: str = "fp32"
    autocast: bool = False
    inputs_kept: bool = False
    earlier: float = 0.5
    fused_qkv: bool = False
    lifts: bool = True
    dora: bool = False
    lora_dropout: float = 0.0
    loss: Loss = Loss.CHUNKED
    packing: bool = False
    n_gpus: int = 1
    strategy: Strategy = Strategy.DDP
    gpu: str | None = None
    assumed: tuple[str, ...] = ()

    @property
    def full(self) -> bool:
        """Whether every weight moves."""
        return self.technique is Technique.FULL

    @property
    def mixed(self) -> bool:
        """Whether weights are held in fp32 and computed with in half precision; DeepSpeed's are in half precision."""
        return not self.deepspeed and (self.precision.endswith("_mixed") or (self.full and self.precision == "fp16"))

    @property
    def deepspeed(self) -> bool:
        """Whether DeepSpeed shares the model: its optimizer holds fp32 weights of its own."""
        return self.strategy in (Strategy.ZERO2, Strategy.ZERO3)

    @property
    def gathers(self) -> bool:
        """Whether torch's FSDP2 brings weights together, in the format that is computed with."""
        return self.n_gpus > 1 and self.strategy is Strategy.FSDP2

    @property
    def prepared(self) -> bool:
        """Whether k-bit preparation lifted embeddings, head and norms to fp32."""
        return self.lifts and self._k_bit

    @property
    def put_back(self) -> bool:
        """Whether they are in half precision again: flash attention's kernels take nothing wider."""
        return not self.lifts and self._k_bit

    @property
    def _k_bit(self) -> bool:
        return self.quant is not None and self.technique in ADAPTERS and self.adapter_dtype == "fp32"


def litgpt(spec: Spec) -> bool:
    """Whether the set-up is litgpt's: adapters in half precision, no autocast, nothing computed again."""
    return spec.fused_qkv and not spec.grad_ckpt


def ours(technique: Technique, arch: Architecture, **changes: Any) -> Spec:
    """The set-up that our own training takes for a technique: TRL 1.16 with autocast and checkpointing."""
    quant = "nf4_double" if technique is Technique.QLORA else None
    base: dict[str, Any] = {
        "arch": arch,
        "technique": technique,
        "precision": "bf16_mixed" if technique is Technique.FULL else "bf16",
        "quant": quant,
        "adapter_dtype": "bf16" if quant else "fp32",
        "autocast": True,
        "grad_ckpt": technique is not Technique.PREFIX,
        "rank": 16 if technique in ADAPTERS else 20,
    }
    return Spec(**{**base, **changes})
