"""Inspection against a bare decoding loop over the same file: time as a ratio, memory that does not grow.

`TUNER_BENCH_ROWS=1000000 python -m pytest tests/bench/test_bench_inspect.py -s -m bench` prints the figures at 700 MB.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROWS = int(os.environ.get("TUNER_BENCH_ROWS", "250000"))
BARE = """
import sys, msgspec
decoder = msgspec.json.Decoder()
with open(sys.argv[1], "rb") as file:
    rows = sum(1 for line in file if decoder.decode(line))
"""
OURS = """
import sys
from tuner_tui.inspect import inspect
rows = inspect(sys.argv[1]).rows
"""
SCAN = """
import sys
from pathlib import Path
from tuner_tui.inspect.ranged import scanned
from tuner_tui.inspect.sample import Sample
from tuner_tui.inspect.scan import Scan
from tuner_tui.inspect.source import open_source, recognised
path = Path(sys.argv[1])
source = open_source(path)
shape, early = recognised(source, {})
scan = Scan(shape, {})
scanned(source.plain, early, source.blocks, scan, Sample(lambda rows: None))
scan.repeats.finish(lambda: open_source(path).blocks)
rows = scan.rows
"""
RATIO, START_S = 1.5, 0.3
"""Elapsed time of the structural scan, imports included, to that of the bare loop, the quickest of three runs each: a
machine with two idle cores is needed. Below BIG rows START_S is granted, for the start of Python weighs there.

A million rows, 673 MB, two idle cores, 2026-12-01:

| what | elapsed s | to the bare loop | CPU s, both processes | MiB |
|---|---|---|---|---|
| bare loop | 0.81 to 0.87 | 1 | 0.85 | 58 |
| scan by two processes, the quickest of several series | 1.08 to 1.18 | 1.25 to 1.44 | 1.12 + 0.84 | 60 |
| inspect, deeper checks on a sample included | 2.26 to 2.43 | 2.7 | 2.25 + 0.83 | 94 |

At 0.5, 1, 2 and 4 million rows (2.7 GB) the scan holds 63, 62, 61 and 61 MiB, an inspection 86, 94, 94 and 87.

By one process (one core, or a small file) the scan takes about 1.9 times the bare loop's CPU time. Rows that repeat
are confirmed by reading again in one process: 2.1 times with two of them.
"""
BIG = 1_000_000
MEASURE = """
import json, resource, time
mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({
    "rows": rows,
    "wall_s": time.perf_counter() - begun,
    "cpu_s": mine.ru_utime + mine.ru_stime,
    "helpers_cpu_s": theirs.ru_utime + theirs.ru_stime,
    "rss_mib": max(mine.ru_maxrss, theirs.ru_maxrss) / 1024,
}))
"""


def measured(code: str, path: Path) -> dict[str, Any]:
    code = "import time\nbegun = time.perf_counter()\n" + code + MEASURE
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def quickest(code: str, path: Path) -> dict[str, Any]:
    """The quickest of three runs."""
    return min((measured(code, path) for _ in range(3)), key=lambda found: float(found["wall_s"]))


def written(path: Path, rows: int) -> Path:
    draw = random.Random(1)
    words = [f"word{at}" for at in range(5000)]
    with path.open("w") as file:
        for at in range(rows):
            asked, said = " ".join(draw.choices(words, k=20)), " ".join(draw.choices(words, k=50))
            file.write(json.dumps({"instruction": asked, "input": "", "output": said, "id": at}) + "\n")
    return path


@pytest.mark.slow
def test_inspection_is_a_small_multiple_of_a_bare_loop_and_memory_stays_flat(tmp_path: Path) -> None:
    path = written(tmp_path / "rows.jsonl", ROWS)
    bare, scan, ours = quickest(BARE, path), quickest(SCAN, path), measured(OURS, path)
    half = measured(OURS, written(tmp_path / "half.jsonl", ROWS // 2))
    print(
        f"\n{path.stat().st_size / 1e6:.0f} MB, {ROWS} rows: bare {bare}, scan {scan}, "
        f"inspect {ours}, half the rows {half}"
    )
    assert ours["rows"] == bare["rows"] == ROWS
    assert scan["rows"] == ROWS
    assert scan["wall_s"] < RATIO * bare["wall_s"] + (0 if ROWS >= BIG else START_S)
    assert ours["rss_mib"] < half["rss_mib"] * 1.1 + 8
