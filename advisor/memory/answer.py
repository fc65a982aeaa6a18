"""What an estimate says: low <= likely <= high always holds, in GiB."""

from __future__ import annotations

import msgspec

GIB = 1024**3


class Range(msgspec.Struct, frozen=True):
    """Three points of one quantity; the unit is the field's it stands in."""

    low: float
    likely: float
    high: float


class Span(msgspec.Struct, frozen=True):
    """Low and high of a quantity whose likely value nobody should lean on."""

    low: float
    high: float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Memory of one training step on one GPU, in GiB. `parts` add up to `peak_gb.likely`.

    `peak_gb` is what the driver counts for the process, `allocated_gb` what the framework counts. `step_s` is
    seconds per optimizer step, None where the GPU is unknown. `tier`: analytic, trace or measured. `calibrated` is
    the share of the answer that measurements on this machine decided, 0 to 1; `calibrated_by` says which: `runs`, and
    the gpu, driver, torch, attn and loss that they have in common (None = not recorded).
    """

    id: str | None = None
    peak_gb: Range
    allocated_gb: Range
    parts: dict[str, float]
    step_s: Span | None = None
    tokens_per_s: float | None = None
    assumptions: tuple[str, ...] = ()
    dominating: str = ""
    tier: str = "analytic"
    calibrated: float = 0.0
    calibrated_by: dict[str, str | int | None] | None = None


def ordered(low: float, likely: float, high: float) -> Range:
    """A range that is in order whatever the bounds' own errors."""
    return Range(round(min(low, likely), 3), round(likely, 3), round(max(high, likely), 3))
