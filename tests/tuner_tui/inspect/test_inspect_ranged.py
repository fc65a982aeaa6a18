"""Several processes over one file say what one process says, whatever happens to them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tuner_tui.inspect import Inspection, inspect, ranged


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty megabytes with every kind of fault, repeats far apart, rows longer than a chunk, and no last line end."""
    path = tmp_path_factory.mktemp("ranged") / "rows.jsonl"
    draw = random.Random(4)
    odd = [b'{"prompt": "a", "prompt": "b", "completion": "c"}', b"[1]", b'{"prompt": "x", "completion": NaN}', b""]
    odd += [
        b'{"prompt": "caf\xe9", "completion": "x"}',
        b'{"prompt": "\\ud83d x", "completion": "half"}',
        b"  ",
        b"{oops",
    ]
    odd += [json.dumps({"prompt": "long", "completion": "word " * 250_000}).encode(), b'{"other": [1, 2]}']
    odd += [b'{"prompt": "again and again", "completion": "the same"}'] * 3
    with path.open("wb") as file:
        for at in range(40_000):
            row = {"prompt": f"question {at} {draw.random()}", "completion": " ".join(["so"] * draw.randrange(1, 300))}
            if draw.random() < 0.2:
                row["extra"] = f"note {at}"
            file.write(json.dumps(row).encode() + b"\n")
            if draw.random() < 0.001:
                file.write(draw.choice(odd) + b"\n")
        file.write(b'{"prompt": "cut he')
    return path


def watched(monkeypatch: pytest.MonkeyPatch) -> list[ranged.Helper]:
    """The helpers that were started and closed."""
    closed: list[ranged.Helper] = []
    close = ranged.Helper.close

    def note(helper: ranged.Helper) -> None:
        closed.append(helper)
        close(helper)

    monkeypatch.setattr(ranged.Helper, "close", note)
    return closed


def by(cores: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> Inspection:
    monkeypatch.setattr(ranged, "LEAST_BYTES", 1 << 20)
    monkeypatch.setattr(ranged, "_cores", lambda: cores)
    return inspect(path)


def test_three_processes_say_what_one_says(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = watched(monkeypatch)
    alone = by(1, rows, monkeypatch)
    assert not started
    helped = by(3, rows, monkeypatch)
    assert len(started) == 2
    assert helped == alone
    codes = {problem.code for problem in alone.problems}
    assert {"duplicates", "cut_last_line", "bad_json", "duplicate_keys", "row_large", "not_utf8", "sampled"} <= codes


@pytest.mark.slow
@pytest.mark.parametrize("child", ["raise SystemExit(3)", "pass"])
def test_a_helper_that_ends_badly_costs_only_time(rows: Path, child: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = by(1, rows, monkeypatch)
    monkeypatch.setattr(ranged, "CHILD", child)
    assert by(2, rows, monkeypatch) == alone


def test_who_ends_the_reading_ends_the_helpers(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged, "LEAST_BYTES", 1 << 20)
    monkeypatch.setattr(ranged, "_cores", lambda: 2)
    started = watched(monkeypatch)

    def stop(read: int, share: float | None) -> None:
        if read > 2_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect(rows, heard=stop)
    assert [helper._child.poll() is not None for helper in started] == [True]


def test_a_part_begins_after_a_line_end_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"x" * 100 + b"\n" + b"y" * (3 << 20))
    assert ranged._line_begin(path, 2 << 20) == 101
    monkeypatch.setattr(ranged, "ROW_BYTES_MAX", 1 << 19)
    assert ranged._line_begin(path, 3 << 20) is None
