"""How far estimates lie from published measurements: by group, mean, median, p90, bias, coverage; asserts nothing.

    python tests/bench/score_memory.py CASES.jsonl

A case is one JSON line: `spec` (contract 4.2), `measured_gb` (GiB), `meter` (allocated | reserved | driver),
`group`, and perhaps `rounding_gb` (half the last printed digit), `tolerance_class`, `anchor`.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from advisor.memory import Range, estimate, spec_from

DRIVER_GB = 0.25
"""How far the context of two drivers lies apart; no case names its driver."""


def against(case: dict[str, Any]) -> tuple[float, bool, float]:
    """Error in percent, whether the range covers the measurement, and how wide the range is (high over low)."""
    found = estimate(spec_from(case["spec"], case.get("id", "case")))
    own, peak = found.allocated_gb, found.peak_gb
    reserved = Range(own.low, max(own.likely, peak.likely - found.parts["context"]), peak.high)
    span = {"allocated": own, "driver": peak}.get(case["meter"], reserved)
    half = (case.get("rounding_gb") or 0.0) + (0.0 if case["meter"] == "allocated" else DRIVER_GB)
    measured = case["measured_gb"]
    nearest = min(max(span.likely, measured - half), measured + half)
    covered = span.low <= measured + half and span.high >= measured - half
    return 100 * (span.likely - nearest) / measured, covered, span.high / span.low


def show(name: str, rows: list[tuple[float, bool, float]]) -> None:
    """One line of figures."""
    size = sorted(abs(error) for error, _, _ in rows)
    bias = statistics.mean(error for error, _, _ in rows)
    print(
        f"{name:<36} n {len(rows):>3}  mean {statistics.mean(size):5.1f}%  median {statistics.median(size):5.1f}%  "
        f"p90 {size[max(0, math.ceil(0.9 * len(size)) - 1)]:5.1f}%  bias {bias:+5.1f}%  "
        f"covered {sum(c for _, c, _ in rows) / len(rows):4.0%}  width x{statistics.median(w for _, _, w in rows):.2f}"
    )


def main(path: str) -> None:
    """Print a line for each class, group and meter."""
    groups: dict[str, list[tuple[float, bool, float]]] = defaultdict(list)
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if not case.get("anchor"):
            row, kind = against(case), case.get("tolerance_class", "all")
            groups[kind].append(row)
            groups[f"{kind} / {case['group']} / {case['meter']}"].append(row)
    for name in sorted(groups):
        show(name, groups[name])


if __name__ == "__main__":
    main(sys.argv[1])
