"""Rows that only look sound, and files whose name or layout hides what they hold."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.inspect import Inspection, inspect

ROWS = [{"instruction": f"ask {at}, please", "output": f"say {at * 31}"} for at in range(12)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def inspected(path: Path, rows: list[dict[str, Any]]) -> Inspection:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return inspect(path)


def dialogue(asked: str, said: str) -> str:
    return f"\n\nHuman: {asked}\n\nAssistant: {said}"


def turns(asked: str, said: str | None) -> list[dict[str, str]]:
    answer = [] if said is None else [{"role": "assistant", "content": said}]
    return [{"role": "user", "content": asked}, *answer]


FAULTS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "another question": (
        lambda at: {"chosen": dialogue(f"q{at}", "a"), "rejected": dialogue(f"q{at}", "b")},
        {"chosen": dialogue("this", "a"), "rejected": dialogue("that", "b")},
        "prompts_differ",
    ),
    "nothing said": (
        lambda at: {"chosen": dialogue(f"q{at}", "a"), "rejected": dialogue(f"q{at}", "b")},
        {"chosen": dialogue("q", " "), "rejected": dialogue("q", "b")},
        "one_sided",
    ),
    "another question in turns": (
        lambda at: {"chosen": turns(f"q{at}", "a"), "rejected": turns(f"q{at}", "b")},
        {"chosen": turns("this", "a"), "rejected": turns("that", "b")},
        "prompts_differ",
    ),
    "a side without answer": (
        lambda at: {"chosen": turns(f"q{at}", "a"), "rejected": turns(f"q{at}", "b")},
        {"chosen": turns("q", None), "rejected": turns("q", "b")},
        "no_answer",
    ),
    "no final answer": (
        lambda at: {"question": f"q{at}", "answer": f"so\n#### {at}"},
        {"question": "q", "answer": "so it goes"},
        "no_final_answer",
    ),
    "two data sets": (
        lambda at: {"instruction": f"q{at}", "output": f"a{at}"},
        {"messages": turns("q", "a")},
        "other_format",
    ),
    "late system turn": (
        lambda at: {"messages": turns(f"q{at}", "a")},
        {"messages": [*turns("q", "a"), {"role": "system", "content": "late"}]},
        "no_answer",
    ),
    "number beyond range": (lambda at: {"prompt": f"q{at}", "completion": "a"}, {}, "nan_literal"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_row_that_only_looks_sound_is_named_once(name: str, tmp_path: Path) -> None:
    sound, odd, code = FAULTS[name]
    lines = [json.dumps(sound(at)) for at in range(12)]
    lines.insert(4, json.dumps(odd) if odd else '{"prompt": "q", "completion": "a", "score": 1e999}')
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines) + "\n")
    found = inspect(path)
    problem = found.problem(code)
    assert problem is not None
    assert (problem.rows, problem.count, found.rows, found.usable_rows) == ([5], 1, 13, 12)


def test_labels_are_read_however_they_are_written_and_the_reading_is_shown(tmp_path: Path) -> None:
    labels = ["yes", 1, True, "TRUE", "no", 0, False, "N"]
    rows = [{"prompt": f"q{at}", "completion": "a", "label": label} for at, label in enumerate(labels * 2)]
    found = inspected(tmp_path / "rows.jsonl", rows)
    told = found.problem("mixed_labels")
    assert (found.usable_rows, told is not None) == (16, True)
    assert told is not None
    assert '"N" = false' in told.text
    plain = inspected(tmp_path / "plain.jsonl", [{**row, "label": at % 2 == 0} for at, row in enumerate(rows)])
    assert plain.problem("mixed_labels") is None


def test_an_empty_system_turn_and_other_names_of_the_assistant_are_sound(tmp_path: Path) -> None:
    said = [{"from": "system", "value": ""}, {"from": "human", "value": "q"}, {"from": "chatgpt", "value": "a"}]
    assert inspected(tmp_path / "rows.jsonl", [{"id": at, "conversations": said} for at in range(12)]).usable_rows == 12


CSV = "instruction,output\n" + "".join(f'"{row["instruction"]}","{row["output"]}"\n' for row in ROWS)
LAYOUTS: dict[str, tuple[str, bytes, str]] = {
    "a table under .jsonl": ("rows.jsonl", CSV.encode(), "renamed"),
    "pretty objects under .jsonl": ("rows.jsonl", "\n".join(json.dumps(r, indent=2) for r in ROWS).encode(), "renamed"),
    "lines under .txt": ("rows.txt", LINES.encode(), "renamed"),
    "tabs under .txt": (
        "rows.txt",
        ("instruction\toutput\n" + "".join(f"{r['instruction']}\t{r['output']}\n" for r in ROWS)).encode("utf-16"),
        "renamed",
    ),
    "old line ends": ("rows.jsonl", LINES.replace("\n", "\r").encode(), "line_ends"),
    "columns": ("rows.json", json.dumps({key: [row[key] for row in ROWS] for key in ROWS[0]}).encode(), "columns"),
    "columns by pandas": (
        "rows.json",
        json.dumps({key: {str(at): row[key] for at, row in enumerate(ROWS)} for key in ROWS[0]}).encode(),
        "columns",
    ),
    "rows by number": ("rows.json", json.dumps({str(at): row for at, row in enumerate(ROWS)}).encode(), "columns"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_rows_are_found_whatever_the_name_and_layout(name: str, tmp_path: Path) -> None:
    file, content, code = LAYOUTS[name]
    path = tmp_path / file
    path.write_bytes(content)
    found = inspect(path)
    assert (found.format, found.rows, found.usable_rows) == ("alpaca", 12, 12)
    assert found.problem(code) is not None


def test_prose_with_commas_or_braces_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "prose.txt"
    for text in ("One, two.\nThree, four.\nFive, six.\n", "{not json\nat all}\n", "{curly} words\n"):
        path.write_text(text)
        assert (inspect(path).format, inspect(path).rows) == ("text", 1)


def test_a_cut_archive_gives_the_rows_before_the_break_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    many = "".join(json.dumps({"instruction": f"ask {at * 7919}", "output": f"say {at}"}) + "\n" for at in range(9000))
    path.write_bytes(gzip.compress(many.encode())[:-9000])
    found = inspect(path)
    assert 0 < found.usable_rows < 9000
    assert found.problem("cut_stream") is not None
    path.write_bytes(gzip.compress(LINES[:300].encode()) + gzip.compress(LINES[300:].encode()))
    assert (inspect(path).rows, inspect(path).problem("cut_stream")) == (12, None)


def test_a_header_that_names_a_column_twice_hides_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("instruction,output,output\n" + "".join(f"ask {at},say {at},z\n" for at in range(12)))
    found = inspect(path)
    assert list(found.fields) == ["instruction", "output", "output (2)"]
    assert found.problem("duplicate_columns") is not None


def test_unknown_columns_come_with_a_mapping_to_try_and_cells_that_cannot_be_read_are_no_repeats(
    tmp_path: Path,
) -> None:
    told = inspected(tmp_path / "rows.jsonl", [{"frage": f"q{at}", "antwort": "a"} for at in range(12)])
    problem = told.problem("unknown_format")
    assert problem is not None
    assert "--map prompt=frage --map completion=antwort" in problem.text
    path = tmp_path / "rows.csv"
    path.write_bytes(CSV.encode() + "caf\xe9,x\ncr\xe8me,y\n".encode("latin-1"))
    assert (inspect(path).usable_rows, inspect(path).duplicates) == (12, 0)


def test_what_stands_around_a_fault_is_shown_but_never_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    for row, shown in (('{"instruction": "tea" "output"}', True), ('{"k": "AKIAABCDEFGHIJKLMNOP" "x"}', False)):
        path.write_text(LINES + row + "\n" + LINES)
        problem = inspect(path).problem("bad_json")
        assert problem is not None
        assert problem.rows == [13]
        assert ("tea" in problem.text) is shown
        assert "AKIA" not in problem.text


def test_a_fault_is_told_by_its_byte_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    text = LINES.encode() + b"\n" + b'{"instruction": "a", "output" "b"}\n' + LINES.encode()
    path.write_bytes(text)
    problem = inspect(path).problem("bad_json")
    assert problem is not None
    place = text.index(b'"b"') + 1
    assert f"byte {place}:" in problem.text
    text = LINES.encode() * 3 + b'{"instruction": "caf\xe9", "output": "b"}\n'
    path.write_bytes(text)
    problem = inspect(path).problem("not_utf8")
    assert problem is not None
    place = text.index(b"\xe9") + 1
    assert f"byte {place})" in problem.text


def test_a_very_large_row_is_told(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [*ROWS, {"instruction": "long", "output": "word " * 500_000}]
    found = inspected(tmp_path / "rows.jsonl", rows)
    problem = found.problem("row_large")
    assert problem is not None
    assert (problem.rows, found.usable_rows) == ([13], 13)


def test_a_file_that_grows_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(LINES)

    def grow(rows: int, share: float | None) -> None:
        with path.open("a") as file:
            file.write(LINES)

    assert inspect(path, heard=grow).problem("changed") is not None
    assert inspect(path).problem("changed") is None


def test_many_columns_of_one_name_are_each_named_in_little_time(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(",".join(["a", "a (2)", "a"] + ["b"] * 50_000) + "\n" + ",".join(["1"] * 50_003) + "\n")
    found = inspect(path)
    assert found.rows == 1
    assert found.columns[:3] == ["a", "a (2)", "a (3)"]
