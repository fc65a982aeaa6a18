"""One JSON document of any size is read item by item: rows are those of the same data as lines, damage is placed."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.inspect import inspect, structure
from tuner_tui.inspect.arrays import json_document
from tuner_tui.inspect.rows import Bad
from tuner_tui.inspect.structure import outline, pieces

ODD = ["[", "]", "{", "}", '"', "\\", ",", "\n", ":", "한글", "\\\\", "a", " "]


def value(draw: random.Random, depth: int = 0) -> Any:
    kind = draw.randrange(6 if depth < 3 else 3)
    if kind < 3:
        return ("".join(draw.choices(ODD, k=draw.randrange(8))), draw.randrange(-9, 999), None)[kind]
    many = range(draw.randrange(4))
    return [value(draw, depth + 1) for _ in many] if kind < 5 else {f"k{at}": value(draw, depth + 1) for at in many}


def cut(text: bytes, draw: random.Random) -> Iterator[bytes]:
    while text:
        size = draw.randrange(1, 9)
        yield text[:size]
        text = text[size:]


def rows_of(text: bytes, size: int = 7) -> tuple[list[Any], list[str]]:
    notes: list[str] = []

    def chunks() -> Iterator[bytes]:
        return (text[at : at + size] for at in range(0, len(text), size))

    return [row for block in json_document(chunks, Path("x.json"), notes) for row in block.rows], notes


@pytest.mark.parametrize("seed", range(40))
def test_items_are_cut_where_they_end_however_the_text_comes(seed: int) -> None:
    draw = random.Random(seed)
    items = [value(draw) for _ in range(draw.randrange(12))]
    text = json.dumps(items, ensure_ascii=False, indent=draw.choice([None, 1])).encode()
    assert b"".join(piece.raw for piece in pieces(cut(text, draw), 1)) == text
    rows, notes = rows_of(text)
    assert (rows, notes) == (items, [])


@pytest.mark.parametrize("seed", range(20))
def test_an_object_is_outlined_without_being_held(seed: int) -> None:
    draw = random.Random(seed)
    document = {f"key {at}": value(draw, 1) for at in range(6)}
    text = json.dumps(document, ensure_ascii=False).encode()
    found = outline(cut(text, draw))
    assert found is not None
    assert {span.name: json.loads(text[span.begin : span.end]) for span in found.spans} == {
        name: part for name, part in document.items() if isinstance(part, list | dict)
    }


def test_objects_one_after_another_and_splits_are_read() -> None:
    items = [{"a": at, "b": "}{"} for at in range(30)]
    assert rows_of("\n".join(json.dumps(item, indent=2) for item in items).encode())[0] == items
    rows, notes = rows_of(json.dumps({"about": "x", "train": items, "test": items[:2]}).encode())
    assert (rows, notes) == (items, ["split"])


def test_a_fault_is_placed_by_line_and_column_and_ends_the_reading() -> None:
    items = [json.dumps({"a": at, "b": "text"}) for at in range(40)]
    items[25] = '{"a": 25, "b" "text"}'
    rows, _ = rows_of(("[\n" + ",\n".join(items) + "\n]").encode(), 100)
    assert len(rows) == 26
    assert isinstance(rows[-1], Bad)
    assert (rows[-1].code, rows[-1].detail.split()[0]) == ("broken_document", "27:15")


def test_an_item_too_large_is_let_go_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure, "ROW_BYTES_MAX", 1000)
    items = [{"a": "x" * (5000 if at == 3 else 10), "n": at} for at in range(8)]
    rows, _ = rows_of(json.dumps(items).encode(), 200)
    assert [row.code if isinstance(row, Bad) else row["n"] for row in rows] == [0, 1, 2, "row_too_large", 4, 5, 6, 7]


def test_questions_within_articles_are_read_one_by_one(tmp_path: Path) -> None:
    asked = [
        {"id": f"q{at}", "question": f"누가 {at}번인가?", "answers": [{"text": f"김 {at}", "answer_start": 0}]}
        for at in range(12)
    ]
    parts = [{"context": f"김 {at}이 왔다.", "qas": [asked[at]]} for at in range(12)]
    path = tmp_path / "korquad.json"
    document = {
        "version": "1",
        "data": [{"title": "T", "paragraphs": parts[:7]}, {"title": "U", "paragraphs": parts[7:]}],
    }
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    found = inspect(path)
    assert (found.format, found.rows, found.usable_rows) == ("alpaca", 12, 12)
    assert found.problem("expanded") is not None


READ = """
import sys
from pathlib import Path
from tuner_tui.inspect.source import open_source
rows = sum(len(block.rows) for block in open_source(Path(sys.argv[1])).blocks)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(rows, peak.split()[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process itself")
def test_memory_does_not_grow_with_one_line_that_is_an_array(tmp_path: Path) -> None:
    row, peaks = json.dumps({"instruction": "word " * 20, "output": "other " * 30}), []
    for count in (10_000, 100_000):
        path = tmp_path / f"{count}.json"
        path.write_text("[" + ", ".join([row] * count) + "]")
        done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
        rows, kib = map(int, done.stdout.split())
        assert rows == count
        peaks.append(kib)
    assert peaks[1] - peaks[0] < 6 * 1024
