"""Inspection against a bare decoding loop over the same file: time as a ratio, memory that does not grow.

`TUNER_BENCH_ROWS=1000000 python -m pytest tests/bench/test_bench_inspect.py -s -m slow` prints the figures at 700 MB.
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

ROWS = int(os.environ.get("TUNER_BENCH_ROWS", "150000"))
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
from itertools import chain
from pathlib import Path
from tuner_tui.inspect.scan import Scan
from tuner_tui.inspect.source import open_source, recognised
path = Path(sys.argv[1])
source = open_source(path)
shape, early = recognised(source, {})
scan = Scan(shape, {})
for block in chain(early, source.blocks):
    scan.take(block)
scan.repeats.finish(lambda: open_source(path).blocks)
rows = scan.rows
"""
RATIO = 2.3
"""Of the structural scan, imports included, to the bare loop; what we aim at is 1.5 (1.7 to 2.0 measured at 700 MB)."""
MEASURE = """
import json, resource, time
spent = time.process_time() - begun
print(json.dumps({"rows": rows, "cpu_s": spent, "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def measured(code: str, path: Path) -> dict[str, Any]:
    code = "import time\nbegun = time.process_time()\n" + code + MEASURE
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


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
    bare, ours = measured(BARE, path), measured(OURS, path)
    scan = min((measured(SCAN, path) for _ in range(3)), key=lambda found: float(found["cpu_s"]))
    half = measured(OURS, written(tmp_path / "half.jsonl", ROWS // 2))
    print(
        f"\n{path.stat().st_size / 1e6:.0f} MB, {ROWS} rows: bare {bare}, scan {scan}, "
        f"inspect {ours}, half the rows {half}"
    )
    assert ours["rows"] == bare["rows"] == ROWS
    assert scan["cpu_s"] < RATIO * bare["cpu_s"] + 0.3
    assert ours["rss_mib"] < half["rss_mib"] * 1.25 + 16
