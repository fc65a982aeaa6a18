"""What answers cost in time and memory is measured while they are made, never computed from sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec


def percentiles(times: Sequence[float]) -> dict[str, float]:
    """p50 and p95 of at least one time."""
    ordered = sorted(times)
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[min(round(0.95 * len(ordered)), len(ordered) - 1)], 1),
    }


def training_s(folder: Path) -> float | None:
    """Seconds that training these weights took, by the report beside them; None where there is none."""
    try:
        return float(msgspec.json.decode((folder.parent / "report.json").read_bytes())["seconds"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


class Peak:
    """The most memory that this process held inside the block, in GiB; the device's where there is one."""

    def __init__(self, device: str) -> None:
        self._device, self.gib = device, 0.0

    def __enter__(self) -> Peak:
        import torch

        if self._device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        return self

    def __exit__(self, *error: Any) -> None:
        import psutil
        import torch

        held = torch.cuda.max_memory_reserved() if self._device == "cuda" else psutil.Process().memory_info().rss
        self.gib = round(held / 2**30, 3)
