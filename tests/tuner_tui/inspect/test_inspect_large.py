"""Large files: memory stays flat, repeats far apart are found, what is only sampled is said to be."""

from __future__ import annotations

import json
import random
from array import array
from pathlib import Path

import pytest

from tuner_tui.inspect import inspect, repeats
from tuner_tui.inspect.linewise import joined, marks
from tuner_tui.inspect.ranged import partly
from tuner_tui.inspect.repeats import Repeats
from tuner_tui.inspect.rows import Block
from tuner_tui.inspect.source import open_source


def test_repeats_are_the_same_in_memory_and_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"row {random.Random(at).randrange(700)}".encode() for at in range(1000)]
    seen: set[bytes] = set()
    expected = [at + 1 for at, row in enumerate(rows) if row in seen or seen.add(row)]  # type: ignore[func-returns-value]
    small = Repeats()
    small.add(Block(rows, rows))
    assert small.finish() == (len(expected), expected)
    monkeypatch.setattr(repeats, "IN_MEMORY", 64)
    monkeypatch.setattr(repeats, "AT_ONCE", 100)
    spilled = Repeats()
    for start in range(0, 1000, 50):
        spilled.add(Block(rows[start : start + 50], rows[start : start + 50]))
    assert spilled.finish() == (len(expected), expected)
    assert isinstance(spilled._recent, array)


def test_lines_that_differ_where_nobody_looked_first_are_not_taken_for_repeats(tmp_path: Path) -> None:
    lines = [json.dumps({"text": "a" * 1000 + letter + "a" * 3000}).encode() for letter in "bcdbe"]
    assert len(set(marks(*joined(lines)).tolist())) == 1
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    found = inspect(path)
    repeated = found.problem("duplicates")
    assert found.duplicates == 1
    assert repeated is not None
    assert repeated.rows == [4]


def test_repeats_keep_their_row_numbers_beside_blank_and_short_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = b'{"text": "some text of a row"}\n'
    path.write_bytes(row + b"   \n\n1\n" + row + b'{"text": "another one"}\n1\n')
    found = inspect(path)
    repeated = found.problem("duplicates")
    assert (found.rows, found.duplicates) == (5, 2)
    assert repeated is not None
    assert repeated.rows == [3, 5]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen megabytes: a sound file with three bad rows and one row that repeats the first, far below it."""
    path = tmp_path_factory.mktemp("large") / "rows.jsonl"
    draw = random.Random(3)
    with path.open("w") as file:
        for at in range(60_000):
            answer = " ".join(str(draw.random()) for _ in range(10))
            row = {"prompt": f"question {at} {draw.random()}", "completion": answer}
            if at in (20_000, 40_000, 59_999):
                row["completion"] = ""
            text = json.dumps(row)
            if at == 0:
                first = text
            file.write((first if at == 50_000 else text) + "\n")
    return path


def test_rows_far_down_are_judged_like_the_first(large: Path) -> None:
    found = inspect(large)
    assert (found.rows, found.usable_rows, found.duplicates) == (60_000, 59_997, 1)
    empty, repeated = found.problem("empty_output"), found.problem("duplicates")
    assert empty is not None
    assert repeated is not None
    assert empty.rows == [20_001, 40_001, 60_000]
    assert repeated.rows == [50_001]


def test_what_is_sampled_is_said_and_full_reads_all(large: Path) -> None:
    found = inspect(large)
    assert found.sampled
    assert found.problem("sampled") is not None
    assert not inspect(large, limit=500).sampled


def test_a_count_of_a_sample_is_told_as_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = '{"prompt": "question %d", "completion": "call 010-1234-%04d now, %s"}\n'
    path.write_text("".join(row % (at, at % 10_000, "word " * 60) for at in range(60_000)))
    found, limited = inspect(path, lang="en"), inspect(path, lang="en", limit=100)
    sampled, whole = found.problem("personal_data"), limited.problem("personal_data")
    assert sampled is not None
    assert whole is not None
    assert sampled.count < 60_000
    assert f"Counted in the {sampled.count} rows that were looked at" in sampled.text
    assert "looked at" not in whole.text


def test_lengths_do_not_depend_on_sampling(large: Path) -> None:
    found = inspect(large)
    chars = found.fields["prompt"].chars
    assert chars is not None
    lengths = sorted(len(json.loads(line)["prompt"]) for line in large.open())
    assert chars.max == lengths[-1]
    assert chars.p50 == lengths[29_999]
    assert chars.mean == pytest.approx(sum(lengths) / 60_000, abs=0.1)
    assert sum(found.histogram.values()) == pytest.approx(60_000, rel=0.05)


def test_conversations_are_judged_alike_block_by_block_and_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(5)
    path = tmp_path / "chat.jsonl"
    with path.open("w") as file:
        for at in range(2500):
            turns: list[dict[str, str]] = [
                {"role": "user", "content": f"is {at}?"},
                {"role": "assistant", "content": f"in: {at * 31}"},
            ]
            lot = draw.random() if at > 1200 else 1.0
            if lot < 0.002:
                turns.pop()
            elif lot < 0.004:
                turns[1]["content"] = " "
            elif lot < 0.006:
                turns[0]["role"] = "wizard"
            elif lot < 0.5:
                turns.insert(0, {"role": "system", "content": "be kind"})
            file.write(json.dumps({"messages": turns}) + "\n")
    fast = inspect(path).to_json()
    monkeypatch.setattr("tuner_tui.inspect.scan.Scan._as_talks", lambda scan, block: False)
    assert inspect(path).to_json() == fast
    assert fast["usable_rows"] < 2500


def test_one_endless_cell_is_named_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner_tui.inspect.tables.CELL_CHARS_MAX", 1 << 20)
    path = tmp_path / "rows.csv"
    path.write_text('a,b\n"' + "words and " * 1_000_000)
    found = inspect(path)
    assert (found.rows, found.usable_rows) == (1, 0)
    assert found.problem("bad_row") is not None


def test_only_the_blocks_with_suspects_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    draw = random.Random(5)
    rows = [json.dumps({"text": f"row {at} " + str(draw.getrandbits(3000))}) for at in range(6000)]
    rows[5990] = rows[3]
    path.write_text("\n".join(rows) + "\n")
    asked: list[int] = []

    def part(begin: int, end: int | None) -> list[Block]:
        asked.append(begin)
        return list(partly(path)(begin, end))

    whole = Repeats()
    for block in open_source(path).blocks:
        whole.add(block)
    blocks = len(whole._offsets)
    assert whole.finish(lambda: open_source(path).blocks, part) == (1, [5991])
    assert (len(asked), blocks > 8) == (2, True)


def test_a_zst_file_that_breaks_off_gives_the_blocks_before_and_is_named(tmp_path: Path) -> None:
    import pyarrow

    from advisor.errors import InputError

    text = "".join(json.dumps({"text": f"row {at} {random.Random(at).random()}"}) + "\n" for at in range(8000))
    path = tmp_path / "rows.jsonl.zst"
    with pyarrow.OSFile(str(path), "wb") as out, pyarrow.CompressedOutputStream(out, "zstd") as file:
        file.write(text.encode())
    packed = path.read_bytes()
    path.write_bytes(packed[: len(packed) * 2 // 3])
    found = inspect(path)
    assert found.problem("cut_stream") is not None
    assert 0 < found.usable_rows < 8000
    path.write_bytes(packed[:200])
    with pytest.raises(InputError) as told:
        inspect(path)
    assert told.value.code == "inspect.cut_stream"
