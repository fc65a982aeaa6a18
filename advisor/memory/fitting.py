"""What fits: the best settings of a method on a card, the smallest card for a method, the smallest change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from advisor.catalog import GpuKind, gpus
from advisor.memory.answer import Range
from advisor.memory.peak import memory
from advisor.memory.spec import ADAPTERS, Loss, Spec, Strategy
from advisor.methods import Technique

USABLE = 0.94
"""Share of a card's printed memory that a process gets: a 16 GB T4 reports 15.0 GiB."""
_LONGEST, _MOST_ROWS = 1 << 20, 4096


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one card. `verdict`: yes (even the high bound fits), tight (the likely one does), no."""

    name: str
    peak_gb: Range
    verdict: str
    longest_seq: int | None
    largest_batch: int | None
    needs_ckpt: bool | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Spec keys to change, in the order of how little they cost, and what memory becomes."""

    keys: dict[str, Any]
    peak_gb: Range


def usable(vram_gb: float, free_gb: float | None = None) -> float:
    """GiB that a process can have of a card of this printed size, or what is free now."""
    return vram_gb * USABLE if free_gb is None else min(vram_gb * USABLE, free_gb)


def verdict(peak: Range, room_gb: float) -> str:
    """yes, tight or no."""
    return "yes" if peak.high <= room_gb else "tight" if peak.likely <= room_gb else "no"


def with_(spec: Spec, **changes: Any) -> Spec:
    """The spec with changes."""
    return msgspec.structs.replace(spec, **changes)


def _most(spec: Spec, room_gb: float, key: str, limit: int) -> int | None:
    """The largest value of a key whose likely peak fits; None when not even 1 does."""

    def fits(value: int) -> bool:
        return memory(with_(spec, **{key: value}))[1].likely <= room_gb

    if not fits(1):
        return None
    low, high = 1, 2
    while high <= limit and fits(high):
        low, high = high, high * 2
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def fit(name: str, spec: Spec, room_gb: float) -> Fit:
    """A method on a card: does it fit, how long may rows be, how many at once, can checkpointing be left out."""
    peak = memory(spec)[1]
    bare = with_(spec, grad_ckpt=False)
    return Fit(
        name=name,
        peak_gb=peak,
        verdict=verdict(peak, room_gb),
        longest_seq=_most(with_(spec, micro_batch=1), room_gb, "seq_len", _longest(spec)),
        largest_batch=_most(spec, room_gb, "micro_batch", _MOST_ROWS),
        needs_ckpt=memory(bare)[1].likely > room_gb if memory(spec)[1].likely <= room_gb else None,
    )


def _longest(spec: Spec) -> int:
    """Tokens that a row can have at all: the model's own limit, where its config says one."""
    return min(_LONGEST, spec.arch.longest or _LONGEST)


def smallest_gpu(spec: Spec) -> GpuKind | None:
    """The card with the least memory that surely holds it; None when no card in the catalogue does."""
    peak = memory(spec)[1]
    enough = [kind for kind in gpus() if usable(kind.vram_gb) >= peak.high]
    return min(enough, key=lambda kind: (kind.vram_gb, kind.usd_per_h or 1e9), default=None)


def _steps(spec: Spec) -> list[tuple[bool, Callable[[Spec], dict[str, Any]]]]:
    """Changes from the cheapest to the dearest; each with whether it applies."""
    return [
        (not spec.grad_ckpt and spec.technique is not Technique.PREFIX, lambda s: {"grad_ckpt": True}),
        (spec.loss is Loss.FULL_LOGITS, lambda s: {"loss": Loss.CHUNKED}),
        (spec.micro_batch > 1, _one_row),
        (spec.full and "8bit" not in spec.optimizer, lambda s: {"optimizer": "adamw_8bit"}),
        (spec.full and "paged" not in spec.optimizer, lambda s: {"optimizer": "paged_adamw_8bit"}),
        (spec.n_gpus > 1 and spec.strategy is Strategy.DDP, lambda s: {"strategy": Strategy.FSDP2}),
        (spec.technique is Technique.LORA, _quantised),
        (spec.seq_len > 512, lambda s: {"seq_len": max(512, s.seq_len // 2)}),
        (spec.full, _as_lora),
        (spec.full or spec.technique not in ADAPTERS, lambda s: {**_as_lora(s), **_quantised(s)}),
    ]


def _one_row(spec: Spec) -> dict[str, Any]:
    return {"micro_batch": 1, "grad_accum": spec.grad_accum * spec.micro_batch}


def _as_lora(spec: Spec) -> dict[str, Any]:
    return {"technique": Technique.LORA, "precision": "bf16", "adapter_dtype": "fp32", "autocast": True, "rank": 16}


def _quantised(spec: Spec) -> dict[str, Any]:
    return {"technique": Technique.QLORA, "quant": "nf4_double", "adapter_dtype": "bf16"}


def smallest_change(spec: Spec, room_gb: float) -> Change | None:
    """The cheapest change, or the shortest pile of them, that makes the likely peak fit; None when nothing does."""
    ready = [step for applies, step in _steps(spec) if applies]
    for step in ready:
        keys = step(spec)
        changed = with_(spec, **keys)
        if memory(changed)[1].likely <= room_gb:
            return Change(keys=keys, peak_gb=memory(changed)[1])
    piled: dict[str, Any] = {}
    for step in ready:
        piled |= step(with_(spec, **piled))
        changed = with_(spec, **piled)
        if memory(changed)[1].likely <= room_gb:
            return Change(keys=piled, peak_gb=memory(changed)[1])
    return None
