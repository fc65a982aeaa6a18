"""The peak: the largest of the moments of one step, by named part, with what is uncertain as a range."""

from __future__ import annotations

import math

import msgspec

from advisor.catalog import find_gpu
from advisor.memory.activations import earlier_inputs, layer
from advisor.memory.answer import GIB, Estimate, Range, Span, ordered
from advisor.memory.assumptions import CONTEXT_GB, assumptions
from advisor.memory.loss import WITH_REFERENCE, generation_cache, kept_logit, loss_bytes, rows, tokens
from advisor.memory.spec import Loss, Spec
from advisor.memory.weights import Held, held
from advisor.methods import Technique

CONTEXT = (0.35, CONTEXT_GB, 0.75)
"""GiB that CUDA's context and loaded kernels take outside the framework's allocator, low to high."""
OUTSIDE = ("context", "libraries")
"""Parts that no choice of settings changes: they never dominate."""
BELOW, ABOVE = 0.91, 1.12
"""Spread of the framework's own count around the sum of parts: buffers of kernels, rounding, unlike code."""
_SLACK_FIXED, _SLACK_VARYING = 1.02, 1.05
"""Reserved over allocated: blocks that no tensor fits; more where batches differ in length."""
ROUGH = (0.85, 1.25)
"""Further spread where layers mix without attention (what their kernels keep is rough) or the family is not known:
of the 30 such families in transformers 5.23, half are within 0.2 % of their real count, nine in ten within 6 %."""
_WIDEST = 1.245
"""A range wider than this says nothing about which card to take, unless two known versions of the code differ."""


class Moment(msgspec.Struct, frozen=True):
    """One moment of a step: bytes by part."""

    parts: dict[str, float]

    @property
    def total(self) -> float:
        """All bytes."""
        return sum(self.parts.values())


def moments(spec: Spec) -> dict[str, Moment]:
    """The moments that can be the peak, each with its parts in bytes."""
    h, n, one, a = held(spec), tokens(spec), layer(spec), spec.arch
    still = {"weights": h.weights + h.reference, "adapters": h.adapters, "optimizer": h.states, "buckets": h.buckets}
    kept = n * (a.layers * (one.entry if spec.grad_ckpt else one.kept) + 4 * a.hidden)
    again = n * (one.kept - one.shared) if spec.grad_ckpt else 0.0
    passing = max(n * one.passing, n * one.product + h.whole_weight, n * one.lifting if spec.grad_ckpt else 0.0)
    whole = {"gathered": h.gathered}
    earlier = spec.earlier * n * earlier_inputs(spec) + h.whole_head
    before = h.gradients if spec.grad_accum > 1 else 0.0
    casts = h.casts / a.layers if spec.grad_ckpt else h.casts
    logits = n * a.vocab * kept_logit(spec) if spec.loss is Loss.FULL_LOGITS else 0.0
    head, last = _shares(spec, h)
    found = {
        "loss": whole
        | {"gradients": before, "activations": kept + earlier, "logits": loss_bytes(spec), "casts": h.casts},
        "backward": whole
        | {
            "gradients": max(before, head) + h.unreduced, "activations": kept + again + passing, "casts": casts,
            "logits": logits,
        },
        "gradients": whole
        | {
            "gradients": max(before, h.gradients - last) + h.unreduced, "logits": logits,
            "activations": n * (one.entry + one.kept) + passing, "casts": h.casts / a.layers,
        },
        "end": whole
        | {
            "gradients": h.gradients + h.unreduced + _meeting(spec, h), "activations": n * one.entry, "logits": logits,
        },
        "step": {"gradients": h.gradients, "step": h.step},
    }  # fmt: skip
    if not spec.grad_ckpt:
        found["forward"] = whole | {"gradients": before, "activations": kept + n * one.lifting, "casts": h.casts}
    if spec.objective in WITH_REFERENCE:
        found["reference"] = whole | {
            "gradients": before,
            "activations": kept + n * one.unheld,
            "cache": _prefix_cache(spec),
        }
    if h.dora:
        found["layer"] = whole | {"gradients": before, "activations": kept + again + h.dora, "casts": casts}
    cache = generation_cache(spec)
    if cache:
        found["generation"] = {"cache": cache, "activations": h.whole_weight + 16.0 * spec.micro_batch * a.vocab}
    return {name: Moment({**still, **parts}) for name, parts in found.items()}


def _shares(spec: Spec, h: Held) -> tuple[float, float]:
    """Gradients that are there before the layers' own, and those that come last (one layer's and the embedding's)."""
    a = spec.arch
    if not spec.full:
        return 0.0, h.gradients / a.layers
    unit = h.gradients / h.trainable
    embedding = a.vocab * a.hidden
    layers = h.trainable - embedding * (1 if a.tied else 2)
    return unit * embedding, unit * (layers / a.layers + (0 if a.tied else embedding))


def _prefix_cache(spec: Spec) -> float:
    """Keys and values of all layers, which a prefix's cache holds through a pass that keeps nothing else."""
    if spec.technique is not Technique.PREFIX:
        return 0.0
    a, whole = spec.arch, spec.precision == "fp32"
    return (4.0 if whole else 2.0) * a.attending * (a.k_width + a.v_width) * (tokens(spec) + rows(spec) * spec.rank)


def _meeting(spec: Spec, h: Held) -> float:
    """The embedding's gradient, whole beside the one that it is added to: the tied head's, or the step's so far."""
    if not spec.full:
        return 0.0
    met = spec.arch.tied or spec.grad_accum > 1
    return h.gradients / h.trainable * spec.arch.vocab * spec.arch.hidden if met else 0.0


def allocated(spec: Spec) -> Moment:
    """The largest moment."""
    return max(moments(spec).values(), key=lambda moment: moment.total)


def memory(spec: Spec) -> tuple[Range, Range, dict[str, float]]:
    """Framework's peak, driver's peak (both GiB) and the parts of the latter."""
    moment = allocated(spec)
    likely = moment.total / GIB
    others = [allocated(other).total / GIB for other in variants(spec)]
    low, high = min([likely, *others]) * BELOW, max([likely, *others]) * ABOVE
    rough = bool(spec.arch.mixer_layers or spec.arch.own) or not spec.arch.family_known
    if rough:
        low, high = low * ROUGH[0], high * ROUGH[1]
    wide = bool(others) or rough
    return outside(spec, _narrowed(low, likely, high, wide), moment.parts, wide)


def outside(
    spec: Spec, framework: Range, parts: dict[str, float], wide: bool = False
) -> tuple[Range, Range, dict[str, float]]:
    """What the driver counts when the framework counts so much (GiB), and the parts (bytes) with what lies between."""
    slack = _SLACK_FIXED if spec.packing or rows(spec) == 1 else _SLACK_VARYING
    driver = _narrowed(
        CONTEXT[0] + framework.low * 1.01,
        CONTEXT[1] + framework.likely * slack,
        CONTEXT[2] + framework.high * (slack + 0.02),
        wide,
    )
    named = {name: round(value / GIB, 4) for name, value in parts.items() if value > 0}
    named["slack"] = round(framework.likely * (slack - 1), 4)
    named["context"] = CONTEXT[1]
    return framework, driver, named


def variants(spec: Spec) -> list[Spec]:
    """The same set-up as other versions of the same libraries run it, where the spec cannot say which."""
    found = []
    if spec.inputs_kept and not spec.grad_ckpt:
        found += [msgspec.structs.replace(spec, inputs_kept=False), msgspec.structs.replace(spec, earlier=1.0)]
    if spec.put_back:
        found.append(msgspec.structs.replace(spec, lifts=True))
    return found


def _narrowed(low: float, likely: float, high: float, wide: bool) -> Range:
    """The range no wider than is useful: both ends drawn in by the same share of their distance."""
    ratio = high / low
    if wide or ratio <= _WIDEST:
        return ordered(low, likely, high)
    share = math.log(_WIDEST) / math.log(ratio)
    return ordered(likely * (low / likely) ** share, likely, likely * (high / likely) ** share)


def estimate(spec: Spec, lang: str = "en") -> Estimate:
    """Memory of one set-up by arithmetic alone: no framework, no device, under a millisecond."""
    framework, driver, parts = memory(spec)
    return answer(spec, framework, driver, parts, lang)


def answer(spec: Spec, framework: Range, driver: Range, parts: dict[str, float], lang: str) -> Estimate:
    """The contract's document for a memory that was computed, traced or measured; time where the GPU is known."""
    from advisor.duration import step_seconds, tokens_per_second

    kind = find_gpu(spec.gpu) if spec.gpu else None
    step = step_seconds(spec, kind) if kind else None
    return Estimate(
        id=spec.id,
        peak_gb=driver,
        allocated_gb=framework,
        parts=parts,
        step_s=Span(round(step.low, 4), round(step.high, 4)) if step else None,
        tokens_per_s=round(tokens_per_second(spec, step.likely), 1) if step else None,
        assumptions=assumptions(spec, lang, gpu="context" in parts),
        dominating=max((name for name in parts if name not in OUTSIDE), key=lambda name: parts[name]),
    )
