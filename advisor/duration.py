"""Tokens and FLOPs to seconds, energy and money, always as a range; an unknown GPU gives no number at all."""

from __future__ import annotations

import msgspec

from advisor.catalog import GpuKind
from advisor.linears import active_matmul_weights
from advisor.memory.answer import Range
from advisor.memory.loss import tokens
from advisor.memory.spec import Spec
from advisor.memory.weights import held
from advisor.methods import Objective

EFFICIENCY = 0.52
"""Share of the dense half-precision peak that long batches reach: Hugging Face training of 7 to 14 B models on A100
and L40S reached 0.43 to 0.50 at 2048 tokens and more (`../shared/research/memory.md`, 3.7)."""
HALF_TOKENS = 330.0
"""Tokens of a micro-batch at which half of that is reached: the same runs reached 0.23 at 256 tokens."""
FASTEST, SLOWEST = 1.35, 0.5
"""How far runs of one kind lie apart: kernels, versions, cooling. The band of an estimate nobody has calibrated."""
CALIBRATED = 0.15
"""The band once a step was timed on this machine."""
LAUNCH_S = 3.5e-4
"""Seconds of kernel launches per layer and pass: about 60 kernels of 6 microseconds."""
STEP_S = 0.02
"""Seconds of a trainer's own work per optimizer step: batches, logging, the optimizer's launches."""
UNPACKING = 1.15
"""4-bit weights are unpacked in every pass: QLoRA takes this much longer where the passes are large."""
DORA_TIME = 1.21
"""DoRA's extra products: +21 % measured by PEFT's own comparison on an L40S."""
DRAWN = (0.55, 0.85, 1.0)
"""Share of the board's power limit that training draws, low to high."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """One run: hours, kWh (all GPUs) and US dollars; None where power or price is not known."""

    hours: Range
    kwh: Range | None
    usd: Range | None
    usd_per_h: float | None


def flops_per_step(spec: Spec) -> float:
    """Floating-point operations of one optimizer step on one GPU.

    Twice the weights a token forward and twice as many backward for the inputs; as many again where the weights
    move; once more forward where activations are recomputed; attention besides, causal.
    """
    weights = active_matmul_weights(spec.arch)
    passes = 6.0 if spec.full else 4.0
    passes += 2.0 if spec.grad_ckpt else 0.0
    attention = 2.0 * spec.arch.attending * spec.arch.q_width * spec.seq_len * (4 if spec.grad_ckpt else 3)
    one = passes * weights + attention
    return spec.grad_accum * (tokens(spec) * one + _without_gradient(spec))


def _without_gradient(spec: Spec) -> float:
    """Passes beside the trained one: the reference's, KTO's mismatched pairs, sampling, PPO's judges."""
    once = 2.0 * active_matmul_weights(spec.arch) * spec.micro_batch * spec.seq_len
    extra = {Objective.DPO: 2.0, Objective.KTO: 2.0, Objective.GRPO: 2.0, Objective.RLHF_PPO: 4.0}
    return once * extra.get(spec.objective, 0.0)


def step_seconds(spec: Spec, gpu: GpuKind, measured: float | None = None) -> Range:
    """Seconds of one optimizer step, low to high; `measured` = measured over computed seconds on this machine."""
    n = tokens(spec)
    reached = EFFICIENCY * n / (n + HALF_TOKENS)
    peak = gpu.half_tflops * 1e12
    if spec.precision == "fp32":
        peak /= 2
    work = flops_per_step(spec) / (reached * peak)
    work *= (UNPACKING if spec.quant else 1.0) * (DORA_TIME if spec.dora else 1.0)
    launches = LAUNCH_S * spec.arch.layers * spec.grad_accum * (4 if spec.grad_ckpt else 3)
    sampled = _sampling(spec, gpu)
    h = held(spec)
    moved = (2 * (h.gradients + h.states) + h.adapters) / (gpu.bandwidth_gb_s * 1e9)
    likely = max(work, launches) + moved + sampled + STEP_S
    if measured is not None:
        likely *= measured
        return Range(likely * (1 - CALIBRATED), likely, likely * (1 + CALIBRATED))
    low, high = (FASTEST, SLOWEST) if not sampled else (FASTEST, SLOWEST / 2)
    return Range(likely / low, likely, likely / high)


def _sampling(spec: Spec, gpu: GpuKind) -> float:
    """Seconds to sample completions: every token reads all weights once, half of the row is taken to be new."""
    if spec.objective not in (Objective.GRPO, Objective.RLHF_PPO):
        return 0.0
    weights = 2.0 * active_matmul_weights(spec.arch)
    return spec.grad_accum * (spec.seq_len / 2) * weights / (0.5 * gpu.bandwidth_gb_s * 1e9)


def tokens_per_second(spec: Spec, step_s: float) -> float:
    """Tokens of all GPUs' rows in a second of steps."""
    return tokens(spec) * spec.grad_accum * spec.n_gpus / step_s


def steps_of(spec: Spec, data_rows: int, epochs: float) -> int:
    """Optimizer steps for so many rows; a pair is one row."""
    per_step = spec.micro_batch * spec.grad_accum * spec.n_gpus
    return max(1, round(data_rows * epochs / per_step))


def run_cost(
    spec: Spec,
    gpu: GpuKind,
    steps: int,
    *,
    mean_tokens: float | None = None,
    usd_per_h: float | None = None,
    measured: float | None = None,
) -> Cost:
    """Hours, energy and money of a whole run.

    `mean_tokens` is the mean row's length (the longest sets memory, the mean sets time); `usd_per_h` is per GPU,
    else the catalogue's dated default.
    """
    usual = spec
    if mean_tokens is not None:
        usual = msgspec.structs.replace(spec, seq_len=max(1, min(spec.seq_len, round(mean_tokens))))
    step = step_seconds(usual, gpu, measured)
    hours = Range(*(value * steps / 3600 for value in (step.low, step.likely, step.high)))
    price = usd_per_h if usd_per_h is not None else gpu.usd_per_h
    watts = gpu.watts
    return Cost(
        hours=hours,
        kwh=None if watts is None else _times(hours, [watts / 1000 * share * spec.n_gpus for share in DRAWN]),
        usd=None if price is None else _times(hours, [price * spec.n_gpus] * 3),
        usd_per_h=price,
    )


def _times(hours: Range, per_hour: list[float]) -> Range:
    return Range(hours.low * per_hour[0], hours.likely * per_hour[1], hours.high * per_hour[2])
