"""Memory by model size alone: a shape is made from the size, so that every candidate can be ranked in microseconds."""

from __future__ import annotations

from functools import lru_cache

from advisor.architecture import Architecture
from advisor.linears import parameter_count
from advisor.memory.answer import Range
from advisor.memory.peak import memory
from advisor.memory.spec import Strategy, ours
from advisor.methods import Objective, Technique

_SHAPES = ((0.01, 256, 4), (0.1, 640, 12), (0.5, 1024, 24), (1.5, 2048, 24), (3.2, 3072, 28), (8.0, 4096, 32),
           (14.0, 5120, 40), (32.0, 5120, 64), (70.0, 8192, 80), (200.0, 12288, 96), (405.0, 16384, 126))  # fmt: skip
"""(billions of parameters, hidden size, layers) of common dense models; between them the nearest is stretched."""


_LARGE_VOCAB, _SMALL_VOCAB, _TINY_VOCAB = 128_256, 32_000, 16_000
"""Llama 3's vocabulary, Llama 2's, and that of models below 0.3 B."""


@lru_cache(maxsize=1024)
def nominal(params_b: float, large_vocab: int = _LARGE_VOCAB) -> Architecture:
    """A Llama-like shape of so many billion parameters: the nearest common shape, its feed-forward part stretched."""
    _, hidden, layers = min(_SHAPES, key=lambda shape: abs(_ratio(shape[0], params_b)))
    vocab = large_vocab if params_b >= 0.3 else _TINY_VOCAB
    heads = max(hidden // 128, 4)
    fixed = _shape(hidden, layers, heads, vocab, 0)
    spare = params_b * 1e9 - parameter_count(fixed)
    width = max(int(spare / (3 * hidden * layers)), hidden)
    return _shape(hidden, layers, heads, vocab, width)


def _ratio(a: float, b: float) -> float:
    from math import log

    return log(a / b)


def _shape(hidden: int, layers: int, heads: int, vocab: int, width: int) -> Architecture:
    return Architecture(
        model_type="llama",
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=max(heads // 4, 1),
        head_dim=hidden // heads,
        intermediate=width,
        vocab=vocab,
        tied=hidden <= 3072,
    )


@lru_cache(maxsize=4096)
def for_method(
    params_b: float,
    technique: str,
    objective: str = "sft",
    *,
    micro_batch: int = 1,
    seq_len: int = 1024,
    n_gpus: int = 1,
    arch: Architecture | None = None,
) -> Range:
    """GiB per GPU that a method needs with our memory-saving settings: checkpointing on, shards over several GPUs."""
    spec = ours(
        Technique(technique),
        arch or nominal(max(params_b, 1e-4)),
        objective=Objective(objective),
        micro_batch=micro_batch,
        seq_len=seq_len,
        n_gpus=n_gpus,
        strategy=Strategy.FSDP2 if n_gpus > 1 else Strategy.DDP,
    )
    return memory(spec)[1]


def least_for_method(params_b: float, technique: str, objective: str, n_gpus: int) -> float:
    """GiB per GPU below which the method surely does not fit, whatever the family: what is above the room is ruled out.

    Several GPUs each hold embedding and head whole, so the size of the vocabulary decides, which a model's size does
    not tell, and few published figures exist: the low end for a small one. On one GPU the likely figure.
    """
    if n_gpus == 1:
        return for_method(params_b, technique, objective).likely
    arch = nominal(max(params_b, 1e-4), _SMALL_VOCAB)
    return for_method(params_b, technique, objective, n_gpus=n_gpus, arch=arch).low
