"""Our index on disk against bm25s alone on the same terms: building, searching, memory.

`TUNER_BENCH_CHUNKS=1000000 python -m pytest tests/bench/test_bench_index.py -s -m bench` prints the figures of a
million passages of 60 words; the library alone is measured at a tenth (it holds every word in memory).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHUNKS = int(os.environ.get("TUNER_BENCH_CHUNKS", "20000"))
ALONE = min(CHUNKS, 100_000)
RATIO = 1.2
WORLD = """
import json, sys, time
from pathlib import Path
import numpy
count, folder = int(sys.argv[1]), Path(sys.argv[2])
draw = numpy.random.default_rng(1)

def words():
    for start in range(0, count, 1024):
        rows = draw.zipf(1.3, size=(min(1024, count - start), 60)) % 200_000
        yield [[f"w{each}" for each in row] for row in rows.tolist()]

asked = [[f"w{each}" for each in row] for row in (draw.zipf(1.3, size=(200, 6)) % 200_000).tolist()]
asked = [list(dict.fromkeys(each)) for each in asked]
"""
ALONE_CODE = """
import bm25s
lists = [each for block in words() for each in block]
begun = time.process_time()
index = bm25s.BM25(k1=1.2, b=0.75, method="lucene")
index.index(lists, show_progress=False)
index.save(folder)
built = time.process_time() - begun
index = bm25s.BM25.load(folder, mmap=True)
index.retrieve([asked[0]], k=10, show_progress=False)
begun = time.process_time()
found = [index.retrieve([each], k=10, show_progress=False).scores[0].tolist() for each in asked]
"""
OURS_CODE = """
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.store import File, Manifest, Store
made, built = 0, 0.0
store = Store(folder, Manifest(terms="t", chunked_by="c", size=1, overlap=0))
numbers = []
for block in words():
    chunks = [Chunk(file="f", number=made + at + 1, text=" ".join(each)) for at, each in enumerate(block)]
    file = File(path="f", name="f", size=0, changed_ns=0, sha256="", first=0, count=len(block))
    begun = time.process_time()
    store.add([file], chunks, lambda texts: block)
    built += time.process_time() - begun
    numbers.append(numpy.arange(made, made + len(block), dtype=numpy.int32))
    made += len(block)
begun = time.process_time()
store.join(list(zip(store.all_segments(), numbers)), "hash")
built += time.process_time() - begun
passages, engine = store.opened()
index = Index(passages, engine=engine, cut=lambda texts: [text.split() for text in texts])
questions = [" ".join(each) for each in asked]
index.search(questions[0], 10)
begun = time.process_time()
found = [[each.score for each in index.search(question, 10)] for question in questions]
"""
END = """
searched = time.process_time() - begun
rss = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
print(json.dumps({"build_s": built, "search_ms": searched * 5, "rss_mib": rss, "found": found}))
"""


def measured(code: str, count: int, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", WORLD + code + END, str(count), str(folder)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return dict(json.loads(done.stdout))


@pytest.mark.slow
def test_our_index_costs_at_most_a_fifth_more_than_bm25s_alone(tmp_path: Path) -> None:
    alone = measured(ALONE_CODE, ALONE, tmp_path / "alone")
    ours = measured(OURS_CODE, ALONE, tmp_path / "ours")
    for one, other in zip(alone.pop("found"), ours.pop("found"), strict=True):
        assert one[: len(other)] == other
    print(f"\n{ALONE} passages: bm25s alone {alone}, ours {ours}")
    assert ours["build_s"] < RATIO * alone["build_s"]
    assert ours["search_ms"] < RATIO * alone["search_ms"]
    assert ours["rss_mib"] < alone["rss_mib"]


@pytest.mark.slow
def test_memory_of_many_passages(tmp_path: Path) -> None:
    whole = measured(OURS_CODE, CHUNKS, tmp_path / "whole")
    whole.pop("found")
    size = sum(path.stat().st_size for path in (tmp_path / "whole").glob("built-*/*")) / 2**20
    print(f"\n{CHUNKS} passages: {whole}, index {size:.0f} MiB on disk, whose mapped pages count as memory")
    assert whole["rss_mib"] < 400 + 2.5 * size
