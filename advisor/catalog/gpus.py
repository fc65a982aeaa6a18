"""GPUs by name: memory, bandwidth and dense speed as their makers print them; an unknown name gives None, no guess."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import msgspec

CHECKED = "2026-11-21"
"""Day on which the table was last gone through; hourly prices are this day's assumption, typical of rented clouds."""
_NOISE = re.compile(r"\b(nvidia|geforce|tesla|amd|instinct|laptop gpu|gpu|generation|graphics)\b|[^a-z0-9]+")


class GpuKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of GPU. GiB as printed, GB/s, dense TFLOPS without sparsity (None = not supported), W, USD an hour."""

    name: str
    aliases: tuple[str, ...]
    vram_gb: float
    bandwidth_gb_s: float
    fp16_tflops: float
    bf16_tflops: float | None
    compute: str | None
    watts: float | None
    usd_per_h: float | None
    source: str

    @property
    def half_tflops(self) -> float:
        """Dense speed in the half-precision format that the GPU has."""
        return self.bf16_tflops or self.fp16_tflops


@cache
def gpus() -> tuple[GpuKind, ...]:
    """Every GPU in the table."""
    with (Path(__file__).parent / "gpus.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_kind(row) for row in csv.DictReader(file))


def _kind(row: dict[str, str]) -> GpuKind:
    def number(key: str) -> float | None:
        return float(row[key]) if row[key] else None

    return GpuKind(
        name=row["name"],
        aliases=tuple(filter(None, row["aliases"].split("|"))),
        vram_gb=float(row["vram_gb"]),
        bandwidth_gb_s=float(row["bandwidth_gb_s"]),
        fp16_tflops=float(row["fp16_tflops"]),
        bf16_tflops=number("bf16_tflops"),
        compute=row["compute"] or None,
        watts=number("watts"),
        usd_per_h=number("usd_per_h"),
        source=row["source"],
    )


def _plain(name: str) -> str:
    return _NOISE.sub("", name.lower())


@cache
def find_gpu(name: str) -> GpuKind | None:
    """The GPU of this name as people and drivers write it ("RTX 4090", "NVIDIA A100-SXM4-80GB"); None if unknown."""
    wanted = _plain(name)
    if not wanted:
        return None
    known = {_plain(word): kind for kind in reversed(gpus()) for word in (*kind.aliases, kind.name)}
    if wanted in known:
        return known[wanted]
    inside = [word for word in known if len(word) >= 4 and wanted.startswith(word)]
    best = max(inside, key=len, default=None)
    return None if best is None or _larger_variant(wanted, best) else known[best]


def _larger_variant(wanted: str, found: str) -> bool:
    """Whether what follows the found name makes it another card ("rtx4070ti" is no "rtx4070")."""
    return wanted[len(found) :].startswith(("ti", "super", "d", "x", "m"))
