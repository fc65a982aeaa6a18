"""Stand-ins for GPU kernels: they compute nothing and hold what the kernels hold, forward and backward."""

from __future__ import annotations

from typing import Any

import torch

ATTENTION = "tuner_trace"
TILE_TOKENS, TILE_VOCAB = 4096, 32768


class FusedAttention(torch.autograd.Function):  # type: ignore[misc]
    """Flash-like attention on (rows, heads, length, size): keeps queries, keys, values, the answer and its log-sums."""

    @staticmethod
    def forward(ctx: Any, query: Any, key: Any, value: Any, bias: Any) -> Any:
        rows, heads, length, _ = query.shape
        answer = query.new_empty(rows, length, heads, value.shape[-1]).transpose(1, 2)
        sums = torch.empty(rows, heads, length, dtype=torch.float32)
        ctx.save_for_backward(query, key, value, answer, sums, bias)
        return answer

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        query, key, value, _, sums, _ = ctx.saved_tensors
        _delta = torch.empty_like(sums)
        repeats = query.shape[1] // key.shape[1]
        grad_query = torch.empty_like(query)
        if repeats == 1:
            return grad_query, torch.empty_like(key), torch.empty_like(value), None
        wide_key = key.new_empty(key.shape[0], query.shape[1], *key.shape[2:])
        wide_value = value.new_empty(value.shape[0], query.shape[1], *value.shape[2:])
        split = (key.shape[0], key.shape[1], repeats, *key.shape[2:])
        split_value = (value.shape[0], value.shape[1], repeats, *value.shape[2:])
        return grad_query, wide_key.view(split).sum(2), wide_value.view(split_value).sum(2), None


def attention(masked: bool) -> Any:
    """An attention function for transformers' registry; `masked` = padded rows under SDPA (keys repeated, a bias)."""

    def forward(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **options: Any) -> Any:
        if torch.is_autocast_enabled("cpu"):
            query, key, value = (x.to(torch.bfloat16) for x in (query, key, value))
        bias = None
        if masked:
            repeats = query.shape[1] // key.shape[1]
            key, value = (x.repeat_interleave(repeats, 1) if repeats > 1 else x for x in (key, value))
            bias = query.new_empty(query.shape[0], 1, query.shape[2], key.shape[2])
        answer = FusedAttention.apply(query, key, value, bias)
        return answer.transpose(1, 2).contiguous(), None

    return forward


class ChunkedHead(torch.autograd.Function):  # type: ignore[misc]
    """TRL's fused head: one tile of logits at a time, gradients summed in fp32 (`trl/kernels/chunked_logprob.py`)."""

    @staticmethod
    def forward(ctx: Any, hidden: Any, weight: Any, half: torch.dtype) -> Any:
        ctx.save_for_backward(hidden, weight)
        ctx.half = half
        _tile = _one_tile(hidden, weight, half)
        return torch.empty(hidden.shape[0], dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        hidden, weight = ctx.saved_tensors
        grad_hidden = torch.zeros(hidden.shape, dtype=torch.float32)
        grad_weight = torch.zeros(weight.shape, dtype=torch.float32) if ctx.needs_input_grad[1] else None
        _tile = _one_tile(hidden, weight, ctx.half)
        back = grad_hidden.to(hidden.dtype)
        return back, None if grad_weight is None else grad_weight.to(weight.dtype), None


def _one_tile(hidden: Any, weight: Any, half: torch.dtype) -> Any:
    return torch.empty(min(hidden.shape[0], TILE_TOKENS), min(weight.shape[0], TILE_VOCAB), dtype=half)


class LigerHead(torch.autograd.Function):  # type: ignore[misc]
    """Liger's fused cross entropy: gradients are made in the forward pass, a chunk of rows at a time."""

    @staticmethod
    def forward(ctx: Any, hidden: Any, weight: Any, half: torch.dtype) -> Any:
        from advisor.memory.loss import liger_chunk

        rows = liger_chunk(hidden.shape[0], weight.shape[0], weight.shape[1])
        grad_hidden = torch.empty_like(hidden)
        grad_weight = torch.zeros_like(weight) if weight.requires_grad else None
        logits = torch.empty(rows, weight.shape[0], dtype=half)
        _whole = torch.empty(rows, weight.shape[0], dtype=torch.float32)
        del logits
        ctx.save_for_backward(grad_hidden, grad_weight)
        return torch.empty(hidden.shape[0], dtype=torch.float32)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden, grad_weight, None


class PackedProduct(torch.autograd.Function):  # type: ignore[misc]
    """A product with a 4-bit or 8-bit matrix: whole in half precision for a moment, the input not kept."""

    @staticmethod
    def forward(ctx: Any, x: Any, d_in: int, d_out: int, half: torch.dtype) -> Any:
        ctx.sizes, ctx.half = (d_out, d_in), half
        _whole = torch.empty(d_out, d_in, dtype=half)
        return x.new_empty(*x.shape[:-1], d_out)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        _whole = torch.empty(*ctx.sizes, dtype=ctx.half)
        grad = grads[0]
        return grad.new_empty(*grad.shape[:-1], ctx.sizes[1]), None, None, None


def dropout(x: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """CUDA's dropout, for `torch.nn.functional`: keeps a mask of one byte a feature; the processor's keeps a factor."""
    return torch.native_dropout(x, p, True)[0] if p > 0 and training else x
