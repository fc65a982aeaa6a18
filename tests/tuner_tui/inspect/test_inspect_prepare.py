"""Prepared data: every row is kept or listed with its reason, repairs are counted, no question is on two sides."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.errors import InputError
from tuner_tui.cli import main
from tuner_tui.inspect import inspect
from tuner_tui.inspect.parted import TEST, TRAIN, VALIDATION, Marks, parted
from tuner_tui.inspect.prepare import Choice, Prepared, prepare

KOREAN = "안녕하세요. 오늘은 날씨가 좋네요."


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def pair(at: int, **changes: Any) -> dict[str, Any]:
    return {"prompt": f"Where is shelf {at * 7919}?", "completion": f"In hall {at * 31}, on the left.", **changes}


def rows_in(made: Prepared, name: str) -> list[Any]:
    return [json.loads(line) for line in (Path(made.out) / name).read_text("utf-8").splitlines()]


def test_every_row_is_kept_or_listed_with_its_reason(tmp_path: Path) -> None:
    rows = [pair(at) for at in range(30)]
    rows += [pair(3), pair(99, completion=""), pair(98, completion=KOREAN.encode().decode("latin-1"))]
    source = written(tmp_path / "rows.jsonl", rows)
    before = source.read_bytes()
    made = prepare(source, tmp_path / "out", Choice())
    assert source.read_bytes() == before
    assert (made.rows, made.kept) == (33, 31)
    listed = rows_in(made, "dropped.jsonl")
    assert [(row["row"], row["code"]) for row in listed] == [(31, "duplicates"), (32, "empty_output")]
    assert made.repaired == {"mojibake": 1}
    kept = [row for name in made.files for row in rows_in(made, name)]
    assert len(kept) == 31
    assert any(row["messages"][-1]["content"] == KOREAN for row in kept)


def test_the_report_names_files_rows_and_hashes_and_the_same_input_gives_the_same_fingerprint(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", [pair(at) for at in range(40)])
    first, second = (prepare(source, tmp_path / name, Choice()) for name in ("one", "two"))
    assert first.fingerprint == second.fingerprint
    for name, file in first.files.items():
        content = (tmp_path / "one" / name).read_bytes()
        assert file == {"rows": content.count(b"\n"), "sha256": hashlib.sha256(content).hexdigest()}
    assert json.loads((tmp_path / "one" / "report.json").read_bytes())["fingerprint"] == first.fingerprint
    other = prepare(source, tmp_path / "three", Choice(seed=7))
    assert other.fingerprint != first.fingerprint


def test_prepared_data_has_nothing_left_to_complain_of(tmp_path: Path) -> None:
    rows = [pair(at) for at in range(30)] + [pair(2), pair(50, completion=None), pair(51, prompt="bad \x1b[0m sign")]
    made = prepare(written(tmp_path / "rows.jsonl", rows), tmp_path / "out", Choice())
    found = inspect(tmp_path / "out" / "train.jsonl")
    assert (found.format, found.usable_rows) == ("openai_chat", found.rows)
    assert [problem.code for problem in found.problems] == []
    assert set(made.files) == {"train.jsonl", "validation.jsonl", "test.jsonl"}


def test_rows_of_the_test_are_left_out_and_no_second_test_is_made(tmp_path: Path) -> None:
    test = written(tmp_path / "held.jsonl", [pair(4), pair(5)])
    source = written(tmp_path / "rows.jsonl", [pair(at) for at in range(30)])
    made = prepare(source, tmp_path / "out", Choice(test=test))
    assert made.dropped == {"leak": 2}
    assert set(made.files) == {"train.jsonl", "validation.jsonl"}


def test_what_is_left_out_is_the_users_choice(tmp_path: Path) -> None:
    rows = [pair(at) for at in range(20)] + [pair(1), pair(60, completion="mail kim@company.co.kr for it")]
    source = written(tmp_path / "rows.jsonl", rows)
    made = prepare(source, tmp_path / "out", Choice(drop=("personal_data",), keep=("duplicates",)))
    assert made.dropped == {"personal_data": 1}
    with pytest.raises(InputError, match="dreams"):
        prepare(source, tmp_path / "other", Choice(drop=("dreams",)))


def test_a_group_stays_on_one_side(tmp_path: Path) -> None:
    rows = [pair(at, patient=at % 9) for at in range(90)]
    made = prepare(written(tmp_path / "rows.jsonl", rows), tmp_path / "out", Choice(group="patient"))
    patient_of = {row["prompt"]: row["patient"] for row in rows}
    sides = [{patient_of[row["messages"][0]["content"]] for row in rows_in(made, name)} for name in made.files]
    assert len(sides) == 3
    assert sum(map(len, sides)) == len(set.union(*sides)) == 9


def test_the_latest_rows_are_the_test(tmp_path: Path) -> None:
    rows = [pair(at, day=f"2026-01-{at % 28 + 1:02}") for at in range(56)]
    made = prepare(written(tmp_path / "rows.jsonl", rows), tmp_path / "out", Choice(time="day"))
    day_of = {row["prompt"]: row["day"] for row in rows}
    days = {name: [day_of[row["messages"][0]["content"]] for row in rows_in(made, name)] for name in made.files}
    assert max(days["train.jsonl"]) <= min(days["validation.jsonl"])
    assert max(days["validation.jsonl"]) <= min(days["test.jsonl"])


def test_a_folder_that_holds_something_is_never_overwritten(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", [pair(at) for at in range(12)])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("precious")
    with pytest.raises(InputError):
        prepare(source, tmp_path / "out", Choice())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_nothing_is_left_behind_when_no_row_is_usable(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", [pair(at, completion="") for at in range(12)])
    with pytest.raises(InputError, match="none of the 12 rows"):
        prepare(source, tmp_path / "out", Choice())
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


FORMS = {
    "hh": {"chosen": "\n\nHuman: Hi {}\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi {}\n\nAssistant: No"},
    "implicit": {
        "chosen": [{"role": "user", "content": "Hi {}"}, {"role": "assistant", "content": "Hello"}],
        "rejected": [{"role": "user", "content": "Hi {}"}, {"role": "assistant", "content": "No"}],
    },
    "sharegpt": {"conversations": [{"from": "human", "value": "Hi {}"}, {"from": "gpt", "value": "Hello"}]},
    "alpaca": {"instruction": "Hi", "input": "{}", "output": "Hello"},
    "gsm8k": {"question": "Hi {}", "answer": "so\n#### 4"},
    "feedback": {"prompt": "Hi {}", "completion": "Hello", "label": "yes"},
}


@pytest.mark.parametrize("name", FORMS)
def test_prepared_rows_are_read_by_training(name: str, tmp_path: Path) -> None:
    from tuner_tui.training.formats import feedback, pairs, preferences

    rows = [json.loads(json.dumps(FORMS[name]).replace("{}", f"number {at}")) for at in range(20)]
    if name == "feedback":
        rows = [{**row, "label": "yes" if at % 2 else "no"} for at, row in enumerate(rows)]
    source = written(tmp_path / "rows.jsonl", rows)
    made = prepare(source, tmp_path / "out", Choice())
    assert made.kept == 20
    read = {"preference_pairs": preferences, "binary_feedback": feedback}.get(made.kind, pairs)
    examples = [example for row in rows_in(made, "train.jsonl") for example in read(1, row)]
    assert len(examples) == made.files["train.jsonl"]["rows"]
    assert all("number" in example.question for example in examples)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from("ab")), min_size=1, max_size=80),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.integers(0, 9),
)
def test_no_group_is_ever_on_two_sides_and_training_is_never_empty(
    rows: list[tuple[int, str]], validation: float, test: float, seed: int
) -> None:
    marks = [Marks(group, label) for group, label in rows]
    sides = parted(marks, (validation, test), seed)
    assert set(sides) <= {TRAIN, VALIDATION, TEST}
    assert TRAIN in sides
    for group in {mark.group for mark in marks}:
        assert len({side for side, mark in zip(sides, marks, strict=True) if mark.group == group}) == 1


def test_every_label_has_its_share_in_the_test() -> None:
    marks = [Marks(at, "rare" if at % 10 == 0 else "common") for at in range(200)]
    sides = parted(marks, (0.1, 0.1), 42)
    held = [mark.label for side, mark in zip(sides, marks, strict=True) if side == TEST]
    assert (held.count("rare"), held.count("common")) == (2, 18)


def test_labels_written_in_several_ways_are_one_label(tmp_path: Path) -> None:
    labels = ["yes", 1, True, "TRUE", "Y", "no", 0, False, "N", "False"]
    rows = [pair(at, label=labels[at % 10]) for at in range(40)]
    made = prepare(written(tmp_path / "rows.jsonl", rows), tmp_path / "out", Choice())
    held = [row["label"] for row in rows_in(made, "test.jsonl")]
    assert (held.count(True), held.count(False)) == (2, 2)


def test_the_command_prepares_and_writes_templates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_LANG", "en")
    source = written(tmp_path / "rows.jsonl", [pair(at) for at in range(20)])
    assert main(["prepare", str(source), "--out", str(tmp_path / "out"), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["kept"] == 20
    assert "80 more rows" in told.err
    path = tmp_path / "fill.jsonl"
    for kind in ("instruction_pairs", "preference_pairs", "binary_feedback", "verifiable_rewards"):
        path.unlink(missing_ok=True)
        assert main(["prepare", "--template", kind, "--out", str(path), "--lang", "ko"]) == 0
        assert inspect(path).kind == kind
    assert main(["prepare", "--template", "documents", "--out", str(path)]) == 2


def test_what_inspection_calls_a_role_training_and_exports_call_so_too() -> None:
    from tuner_tui.export.pieces.rows import turns_of
    from tuner_tui.inspect.formats import ROLES
    from tuner_tui.training.formats import messages_of

    for name, role in ROLES.items():
        for turn in ({"from": name, "value": "text"}, {"role": name, "content": "text"}):
            assert messages_of([turn])[0]["role"] in (role, name)
            assert turns_of([turn])[0]["role"] in (role, name)
            assert (messages_of([turn])[0]["role"] == "assistant") is (role == "assistant")


def test_text_with_lost_characters_is_brought_back_with_gaps_only_by_wish(tmp_path: Path) -> None:
    broken = KOREAN.encode().decode("cp949", "replace")
    source = written(tmp_path / "rows.jsonl", [*(pair(at) for at in range(20)), pair(77, completion=broken)])

    def answers(made: Prepared) -> list[str]:
        return [row["messages"][-1]["content"] for name in made.files for row in rows_in(made, name)]

    assert broken in answers(prepare(source, tmp_path / "as_is", Choice()))
    made = prepare(source, tmp_path / "mended", Choice(mend=("mojibake_lossy",)))
    assert made.repaired == {"mojibake_lossy": 1}
    assert broken not in answers(made)
    with pytest.raises(InputError):
        prepare(source, tmp_path / "odd", Choice(mend=("secrets",)))


def test_tool_calls_and_tools_stay(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}

    def row(at: int) -> dict[str, Any]:
        asked = {"role": "user", "content": f"Is it raining in town {at * 7919}?"}
        calls = {"role": "assistant", "content": None, "tool_calls": [{**call, "id": f"c{at}"}]}
        told = {"role": "tool", "content": "dry", "tool_call_id": f"c{at}"}
        return {"messages": [asked, calls, told, {"role": "assistant", "content": "No."}], "tools": tools}

    rows = [row(at) for at in range(12)]
    source = written(tmp_path / "rows.jsonl", rows)
    found = inspect(source)
    told = found.problem("tool_calls")
    assert told is not None
    assert told.count == found.usable_rows == 12
    made = prepare(source, tmp_path / "out", Choice())
    kept = [row for name in made.files for row in rows_in(made, name)]
    assert sorted(json.dumps(row, sort_keys=True) for row in kept) == sorted(
        json.dumps(row, sort_keys=True) for row in rows
    )


def test_a_turn_that_only_calls_a_tool_is_no_placeholder_and_pictures_are_told(tmp_path: Path) -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
    picture = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "a.png"}}]
    rows = [{"messages": [{"role": "user", "content": f"do {at}"}, call]} for at in range(12)]
    rows.append({"messages": [{"role": "user", "content": picture}, {"role": "assistant", "content": "A lamp."}]})
    found = inspect(written(tmp_path / "rows.jsonl", rows))
    told = found.problem("not_text")
    assert found.problem("placeholder") is None
    assert told is not None
    assert (told.rows, "image_url" in told.text) == ([13], True)


def test_a_source_that_changes_meanwhile_is_not_prepared(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", [pair(at) for at in range(20)])

    def grow(rows: int, share: float | None) -> None:
        written(source, [pair(at) for at in range(21 + rows)])

    with pytest.raises(InputError) as told:
        prepare(source, tmp_path / "out", Choice(), heard=grow)
    assert told.value.code == "prepare.changed"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]


def test_what_inspection_leaves_out_preparation_leaves_out(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", [pair(at) for at in range(12)])
    with source.open("a") as file:
        file.write('{"prompt": "which one?", "completion": "this", "completion": "that"}\n')
    made = prepare(source, tmp_path / "out", Choice())
    assert made.dropped == {"duplicate_keys": 1}
    assert made.kept == inspect(source).usable_rows == 12


def test_an_empty_file_is_told_as_empty(tmp_path: Path) -> None:
    source = written(tmp_path / "rows.jsonl", [])
    with pytest.raises(InputError) as told:
        prepare(source, tmp_path / "out", Choice())
    assert (told.value.code, told.value.params["rows"]) == ("prepare.nothing_left", 0)


@pytest.mark.parametrize("form", ["feedback", "classes"])
def test_rows_of_one_class_are_refused_as_inspection_refuses_them(form: str, tmp_path: Path) -> None:
    answer = {"completion": "good", "label": True} if form == "feedback" else {"label": "good"}
    asked = "prompt" if form == "feedback" else "text"
    source = written(tmp_path / "rows.jsonl", [{asked: f"text {at * 31}", **answer} for at in range(12)])
    assert inspect(source).usable_rows == 0
    with pytest.raises(InputError) as told:
        prepare(source, tmp_path / "out", Choice())
    assert told.value.code == "prepare.one_class"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.jsonl"]
