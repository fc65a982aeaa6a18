"""How far estimates lie from published measurements: by group, mean, median, p90, bias, coverage; asserts nothing.

    python tests/bench/score_memory.py CASES.jsonl [--trace]

With --trace the answers are the traced tier's, through `tuner estimate --trace --batch` as a script asks for them;
how many of them fell back to arithmetic is said at the end.

A case is one JSON line: `spec` (contract 4.2), `measured_gb` (GiB), `meter` (allocated | reserved | driver),
`group`, and perhaps `rounding_gb` (half the last printed digit), `tolerance_class`, `anchor`.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from advisor.memory import Estimate, Range, estimate, spec_from

DRIVER_GB = 0.25
"""How far the context of two drivers lies apart; no case names its driver."""


def answers(cases: list[dict[str, Any]], *, trace: bool) -> list[Estimate]:
    """One estimate a case, in order."""
    if not trace:
        return [estimate(spec_from(case["spec"], case.get("id", "case"))) for case in cases]
    asked = "".join(json.dumps(case["spec"]) + "\n" for case in cases)
    command = [
        sys.executable,
        "-m",
        "tuner_tui",
        "estimate",
        "--spec",
        "-",
        "--json",
        "--batch",
        "--trace",
        "--details",
    ]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    return [msgspec.json.decode(line, type=Estimate) for line in done.stdout.splitlines()]


def against(case: dict[str, Any], found: Estimate) -> tuple[float, bool, float]:
    """Error in percent, whether the range covers the measurement, and how wide the range is (high over low)."""
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


def main(path: str, *, trace: bool) -> None:
    """Print a line for each class, group and meter, and the mean over the sources of the tight class."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if not case.get("anchor")]
    found = answers(cases, trace=trace)
    groups: dict[str, list[tuple[float, bool, float]]] = defaultdict(list)
    for case, answer in zip(cases, found, strict=True):
        row, kind = against(case, answer), case.get("tolerance_class", "all")
        groups[kind].append(row)
        groups[f"{kind} / {case['group']} / {case['meter']}"].append(row)
    for name in sorted(groups):
        show(name, groups[name])
    tight = [
        statistics.mean(abs(e) for e, _, _ in rows) for name, rows in groups.items() if name.startswith("tight / ")
    ]
    if tight:
        print(f"mean over the sources of the tight class: {statistics.mean(tight):.2f}%")
    if trace:
        print(f"{sum(answer.tier != 'trace' for answer in found)} of {len(found)} could not be traced")


if __name__ == "__main__":
    main(sys.argv[1], trace="--trace" in sys.argv[2:])
