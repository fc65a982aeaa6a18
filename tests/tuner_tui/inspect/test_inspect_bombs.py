"""What is small on the disk and endless in memory, or one row without end, costs neither memory nor time."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest

from advisor.errors import InputError
from tuner_tui.inspect import columnar, inspect, opened, rows, tables

ROW = {"instruction": "ask this, please", "output": "say that"}
LINE = json.dumps(ROW).encode() + b"\n"
LONG = b'{"instruction": "q", "output": "' + b"a" * 9000 + b'"}'


@pytest.mark.parametrize("end", [b"\n", b"", b"\n" + LINE * 3])
@pytest.mark.parametrize("chunk", [100, 1000])
def test_an_over_long_row_is_left_out_whole_and_never_shortened(
    end: bytes, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "ROW_BYTES_MAX", 2000)
    monkeypatch.setattr(opened, "CHUNK_BYTES", chunk)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(LINE * 11 + LONG + end)
    found = inspect(path)
    problem = found.problem("row_too_large")
    assert problem is not None
    assert (problem.rows, problem.count) == ([12], 1)
    assert (found.rows, found.usable_rows) == (12 + end.count(b"}"), 11 + end.count(b"}"))
    assert found.fields["output"].chars is not None
    assert found.fields["output"].chars.max == 8


def repeated(count: int, size: int) -> pyarrow.Table:
    """Rows of one long text, which a dictionary holds once; in turns, too."""
    text = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * count, pyarrow.int32()), pyarrow.array(["x" * size]))
    ends = pyarrow.array(range(count + 1), pyarrow.int32())
    roles = pyarrow.array(["user"] * count)
    turns = pyarrow.ListArray.from_arrays(ends, pyarrow.StructArray.from_arrays([roles, text], ["role", "content"]))
    return pyarrow.table({"instruction": text, "messages": turns})


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow"])
def test_a_table_that_unpacks_to_far_more_than_its_size_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "BOMB_BYTES", 1 << 22)
    path, table = tmp_path / name, repeated(400, 40_000)
    if name == "rows.arrow":
        pyarrow.feather.write_feather(table, path, compression="zstd")
    else:
        pyarrow.parquet.write_table(table, path, compression="zstd")
    with pytest.raises(InputError) as told:
        inspect(path)
    assert told.value.code == "inspect.bomb"
    assert name in str(told.value)


def test_a_list_of_zeros_without_end_is_refused_by_what_the_file_says_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columnar, "BOMB_BYTES", 1 << 20)
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"], "x": [[0] * 2_000_000]}), path)
    with pytest.raises(InputError, match=r"inspect\.bomb"):
        inspect(path)


def test_large_cells_of_a_sound_table_are_read_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "AT_ONCE", 1 << 14)
    monkeypatch.setattr(columnar, "ROW_BYTES_MAX", 1 << 15)
    said = [f"{at} " * 300 for at in range(100)]
    said[50] = "x " * 40_000
    table = pyarrow.table({"instruction": [f"ask {at}" for at in range(100)], "output": said, "none": [None] * 100})
    pyarrow.parquet.write_table(table, tmp_path / "rows.parquet")
    found = inspect(tmp_path / "rows.parquet")
    assert (found.format, found.rows, found.usable_rows) == ("alpaca", 100, 99)
    problem = found.problem("row_too_large")
    assert problem is not None
    assert problem.rows == [51]


@pytest.mark.parametrize("packed", [False, True])
def test_rows_after_many_blank_lines_are_found(packed: bool, tmp_path: Path) -> None:
    content = b"\n" * 700_000 + LINE * 12
    path = tmp_path / "rows.jsonl"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert inspect(path).usable_rows == 12


def test_a_quotation_mark_that_never_closes_does_not_gather_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "CELL_CHARS_MAX", 1 << 16)
    path = tmp_path / "rows.csv"
    path.write_bytes(b"instruction,output\n" + b"ask,say\n" * 12 + b'ask,"say\n' + b"more\n" * 50_000)
    found = inspect(path)
    problem = found.problem("open_quote")
    assert problem is not None
    assert (problem.rows, found.rows, found.usable_rows) == ([13], 13, 12)


@pytest.mark.slow
def test_the_largest_of_them_stay_within_one_gib_and_a_minute(tmp_path: Path) -> None:
    """Real sizes, each in a process that may take no more memory than a gibibyte above what it starts with."""
    wide = json.dumps({f"c{at}": at for at in range(1_000_000)}).encode() + b"\n"
    with (tmp_path / "line.jsonl").open("wb") as file:
        file.write(b'{"instruction": "q", "output": "')
        file.writelines([b"a" * (1 << 20)] * 1024)
        file.write(b'"}\n')
    with (tmp_path / "letters.txt").open("wb") as file:
        file.writelines([b"a" * (1 << 20)] * 1024)
    with (tmp_path / "quote.csv").open("wb") as file:
        file.write(b'instruction,output\nq,"')
        file.writelines([b"a\n" * (1 << 19)] * 1024)
    with gzip.open(tmp_path / "zeros.jsonl.gz", "wb") as packed:
        packed.writelines([b"0" * (1 << 20)] * 2048)
    (tmp_path / "wide.jsonl").write_bytes(wide * 3)
    pyarrow.parquet.write_table(repeated(20_000, 1 << 20), tmp_path / "texts.parquet", compression="zstd")

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))

    for path in sorted(tmp_path.iterdir()):
        command = [sys.executable, "-m", "tuner_tui", "inspect", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=limits)
        assert done.returncode in (0, 2), (path.name, done.stderr[-500:])
        assert "Traceback" not in done.stderr
