"""Broken files: row, reason and remedy are named, sound rows are still counted, nothing raises but InputError."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import InputError
from tuner_tui.inspect import Inspection, inspect

ROW = {"prompt": "Where is it?", "completion": "Over there."}
CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def line(row: Any = ROW, **changes: Any) -> bytes:
    return json.dumps({**row, **changes}, ensure_ascii=False).encode() + b"\n"


def lines(count: int) -> bytes:
    return b"".join(line(prompt=f"Where is number {at}?", completion=f"In place {at * 31}.") for at in range(count))


def found_in(folder: Path, content: bytes, name: str = "rows.jsonl", **options: Any) -> Inspection:
    path = folder / name
    path.write_bytes(content)
    return inspect(path, **options)


LINES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{'prompt': 1}\n", "bad_json"),
    "a NaN": (b'{"prompt": "a", "completion": "b", "score": NaN}\n', "nan_literal"),
    "an Infinity": (b'{"prompt": "a", "completion": "b", "score": -Infinity}\n', "nan_literal"),
    "a key twice": (b'{"prompt": "a", "prompt": "b", "completion": "c"}\n', "duplicate_keys"),
    "a number for an answer": (line(completion=7), "wrong_type"),
    "a list for an answer": (line(completion=["a"]), "wrong_type"),
    "an empty answer": (line(completion=""), "empty_output"),
    "a blank answer": (line(completion=" \t"), "empty_output"),
    "a null answer": (line(completion=None), "empty_output"),
    "an empty prompt": (line(prompt=""), "empty_prompt"),
    "no answer at all": (b'{"prompt": "a"}\n', "missing_key"),
    "a bare string": (b'"prompt"\n', "not_object"),
    "bytes that are not UTF-8": (b'{"prompt": "\xe9t\xe9", "completion": "x"}\n', "not_utf8"),
    "nesting without end": (
        b'{"prompt": "a", "completion": "b", "x": ' + b"[" * 5000 + b"]" * 5000 + b"}\n",
        "too_deep",
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_row_is_named_and_the_others_stay_usable(name: str, tmp_path: Path) -> None:
    bad, code = LINES[name]
    found = found_in(tmp_path, lines(7) + bad + lines(14)[len(lines(7)) :])
    assert (found.format, found.kind) == ("prompt_completion", "instruction_pairs")
    assert (found.rows, found.usable_rows) == (15, 14)
    problem = found.problem(code)
    assert problem is not None
    assert (problem.rows, problem.severity, problem.count) == ([8], "error", 1)
    assert "8" in problem.text


def test_a_lone_surrogate_is_mended_and_told(tmp_path: Path) -> None:
    found = found_in(tmp_path, lines(4) + b'{"prompt": "half \\ud83d", "completion": "x"}\n')
    problem = found.problem("lone_surrogate")
    assert problem is not None
    assert (problem.rows, problem.severity, found.usable_rows) == ([5], "warning", 5)


def test_a_cut_last_line_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    whole = lines(12)
    found = found_in(tmp_path, whole[:-20])
    problem = found.problem("cut_last_line")
    assert problem is not None
    assert (problem.rows, found.rows, found.usable_rows) == ([12], 12, 11)


def test_a_file_cut_within_a_letter_is_told_as_cut(tmp_path: Path) -> None:
    whole = lines(12) + line(prompt="어디에 있나요?")
    found = found_in(tmp_path, whole[: whole.index("어".encode()) + 2])
    problem = found.problem("cut_last_line")
    assert problem is not None
    assert (problem.rows, found.rows, found.usable_rows) == ([13], 13, 12)


TURNS: dict[str, tuple[list[Any], str]] = {
    "ends with the user": ([*CHAT, {"role": "user", "content": "Hm"}], "no_answer"),
    "two answers in a row": ([*CHAT, {"role": "assistant", "content": "Hm"}], "roles_order"),
    "begins with an answer": (CHAT[::-1], "roles_order"),
    "an unknown role": ([{"role": "wizard", "content": "Hi"}, CHAT[1]], "unknown_role"),
    "an empty answer": ([CHAT[0], {"role": "assistant", "content": ""}], "empty_output"),
    "an empty question": ([{"role": "user", "content": " "}, CHAT[1]], "empty_turn"),
    "no turns": ([], "empty_conversation"),
    "turns that are text": (["Hi", "Hello"], "unknown_role"),
}


@pytest.mark.parametrize("name", TURNS)
def test_broken_turns_are_named(name: str, tmp_path: Path) -> None:
    turns, code = TURNS[name]
    good = b"".join(line({"messages": CHAT}, id=at) for at in range(11))
    found = found_in(tmp_path, good + line({"messages": turns}))
    assert (found.format, found.usable_rows) == ("openai_chat", 11)
    problem = found.problem(code)
    assert problem is not None
    assert problem.rows == [12]


PAIRS: dict[str, tuple[dict[str, Any], str]] = {
    "equal answers": ({"prompt": "Hi", "chosen": "a", "rejected": "a"}, "same_answers"),
    "one side missing": ({"prompt": "Hi", "chosen": "a", "rejected": None}, "one_sided"),
    "one side empty": ({"prompt": "Hi", "chosen": "a", "rejected": ""}, "one_sided"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_one_sided_pairs_are_named(name: str, tmp_path: Path) -> None:
    row, code = PAIRS[name]
    good = b"".join(line({"prompt": f"Hi {at}", "chosen": f"yes {at}", "rejected": "no"}) for at in range(11))
    found = found_in(tmp_path, good + line(row))
    assert (found.kind, found.usable_rows) == ("preference_pairs", 11)
    problem = found.problem(code)
    assert problem is not None
    assert problem.rows == [12]


def test_labels_that_are_no_verdict_are_named(tmp_path: Path) -> None:
    good = b"".join(line(prompt=f"a {at}", label=bool(at % 2)) for at in range(10))
    found = found_in(tmp_path, good + line(label="maybe"))
    assert (found.format, found.usable_rows) == ("unpaired", 10)
    problem = found.problem("bad_label")
    assert problem is not None
    assert problem.rows == [11]


@pytest.mark.parametrize("content", [b"", b"\n\n \n"])
def test_an_empty_file_has_no_rows_and_says_so(content: bytes, tmp_path: Path) -> None:
    found = found_in(tmp_path, content)
    assert (found.rows, found.usable_rows, found.kind) == (0, 0, None)
    assert found.problem("empty_file") is not None


ENCODED: dict[str, tuple[bytes, str]] = {
    "byte-order mark": (b"\xef\xbb\xbf" + lines(12), "bom"),
    "UTF-16": (lines(12).decode().encode("utf-16"), "encoding"),
    "UTF-16 without mark": (lines(12).decode().encode("utf-16-le"), "encoding"),
    "Korean Windows": (line(prompt="안녕하세요 여러분, 어디인가요?").decode().encode("cp949") + lines(11), "encoding"),
    "gzip under another name": (gzip.compress(lines(12)), "renamed"),
    "an array under another name": (
        json.dumps([json.loads(row) for row in lines(12).splitlines()]).encode(),
        "renamed",
    ),
    "a table under another name": (b"prompt,completion\n" + b"where,there\n" * 11 + b"who,me\n", "renamed"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_odd_encodings_and_names_are_read_and_told(name: str, tmp_path: Path) -> None:
    content, code = ENCODED[name]
    found = found_in(tmp_path, content)
    assert (found.rows, found.usable_rows, found.kind) == (12, 12, "instruction_pairs")
    assert found.problem(code) is not None


def test_windows_line_ends_are_nothing_to_tell(tmp_path: Path) -> None:
    found = found_in(tmp_path, lines(12).replace(b"\n", b"\r\n"))
    assert (found.rows, found.usable_rows) == (12, 12)
    assert found.problems == []


def test_a_damaged_array_keeps_the_rows_before_the_damage(tmp_path: Path) -> None:
    rows = json.dumps([{"prompt": f"q {at}", "completion": f"a {at}"} for at in range(20)]).encode()
    found = found_in(tmp_path, rows[:-30], "rows.json")
    assert found.rows - found.usable_rows == 1
    assert found.usable_rows >= 17
    assert found.problem("cut_document") is not None


def test_cells_that_do_not_fit_the_header_are_named(tmp_path: Path) -> None:
    table = b"prompt,completion\n" + b"where,there\n" * 10 + b"one,two,three\n" + b"who,me\n"
    found = found_in(tmp_path, table, "rows.csv")
    problem = found.problem("bad_row")
    assert problem is not None
    assert (problem.rows, found.rows, found.usable_rows) == ([11], 12, 11)


@pytest.mark.parametrize("kind", ["missing", "fifo", "device", "dangling link", "cut parquet", "binary", "cut gzip"])
def test_what_cannot_be_read_at_all_is_bad_input(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "cut parquet":
        path = tmp_path / "rows.parquet"
        path.write_bytes(b"PAR1" + b"\0" * 40)
    elif kind == "binary":
        path.write_bytes(bytes(range(256)) * 20)
    elif kind == "cut gzip":
        path = tmp_path / "rows.jsonl.gz"
        path.write_bytes(gzip.compress(os.urandom(4000))[:2000])
    with pytest.raises(InputError) as caught:
        inspect(path)
    assert str(path.name) in str(caught.value)


HOSTILE = "x\x1b]52;c;ZWNobyBwd25lZA==\x07\x9b31m\u202e[bold]y[/bold]\x00z"


def test_foreign_text_reaches_no_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tuner_tui.cli import main

    monkeypatch.setenv("TUNER_LANG", "en")
    path = tmp_path / "evil\x1b[31m.jsonl"
    path.write_bytes(lines(10) + line({HOSTILE: HOSTILE, "prompt": HOSTILE, "completion": HOSTILE}))
    for options in ([], ["--json"], ["--lang", "ko"]):
        assert main(["inspect", str(path), *options]) == 0
        told = capsys.readouterr()
        for bad in ("\x1b", "\x07", "\x9b", "\u202e", "\x00"):
            assert bad not in told.out + told.err
    preview = inspect(path).preview[-1]
    assert not any(letter in text for pair in preview.items() for text in pair for letter in "\x1b\x07\x9b\u202e\x00")
    assert "[bold]" in preview["prompt"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    (
        *("prompt", "completion", "messages", "conversations", "chosen", "rejected", "label", "text", "instruction"),
        *("input", "output", "question", "answer", "completions", "preferred_output", "non_preferred_output", "role"),
    )
)
anywhere = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@anywhere
@given(st.lists(st.dictionaries(names | st.text(max_size=5), values, max_size=5), min_size=1, max_size=6))
def test_any_rows_are_counted_and_judged(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    found = found_in(tmp_path, "".join(json.dumps(row) + "\n" for row in rows).encode())
    assert found.rows == len(rows)
    assert 0 <= found.usable_rows <= found.rows
    named = {row for problem in found.problems if problem.severity == "error" for row in problem.rows}
    assert found.usable_rows == found.rows - len(named)
    json.dumps(found.to_json(), allow_nan=False)


@anywhere
@given(
    st.binary(max_size=400), st.sampled_from(["rows.jsonl", "rows.json", "rows.csv", "rows.txt", "rows", "rows.tsv"])
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, name: str) -> None:
    try:
        found = found_in(tmp_path, content, name)
    except InputError:
        return
    assert 0 <= found.usable_rows <= found.rows


@anywhere
@given(st.data())
def test_any_damage_to_a_sound_file_is_survived(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(lines(8))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=6))
    try:
        found = found_in(tmp_path, bytes(content))
    except InputError:
        return
    assert found.usable_rows <= found.rows
