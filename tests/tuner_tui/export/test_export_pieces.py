"""The script's short readers and ours understand every row alike; its constants say what the recipe says."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.words import words
from tuner_tui.export.outcome import Task
from tuner_tui.export.pieces import feedback, pairs, preferences, rows, split, texts
from tuner_tui.export.place import Place
from tuner_tui.export.script_text import script
from tuner_tui.export.source import find_source
from tuner_tui.export.trl_script import PIECES
from tuner_tui.training import data, formats
from tuner_tui.training.rows import read_rows

TURNS = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": "질문"},
    {"role": "assistant", "content": "답"},
    {"role": "user", "content": "more"},
    {"role": "assistant", "content": "yes"},
]
SHAREGPT = [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "ho"}]
ROWS: list[dict[str, Any]] = [
    {"messages": TURNS},
    {"messages": TURNS[:2]},
    {"messages": []},
    {"messages": [{"role": "wizard", "content": "x"}, {"role": "assistant", "content": "y"}]},
    {"conversations": SHAREGPT},
    {"prompt": "p", "completion": "c"},
    {"prompt": TURNS[:2], "completion": [TURNS[2]]},
    {"prompt": "p", "response": {"role": "assistant", "content": "c"}},
    {"instruction": "i", "input": "", "output": "o"},
    {"instruction": "i", "input": "in", "output": "o"},
    {"instruction": "i", "system": "be brief", "output": "o"},
    {"instruction": "", "output": "o"},
    {"instruction": 3, "output": "o"},
    {"question": "q", "answer": "a"},
    {"question": "q", "answer": "  "},
    {"prompt": "p", "chosen": "a", "rejected": "b"},
    {"prompt": "p", "chosen": "a", "rejected": "a"},
    {"prompt": TURNS[:2], "chosen": [TURNS[2]], "rejected": [TURNS[4]]},
    {"chosen": TURNS[1:3], "rejected": [TURNS[1], TURNS[4]]},
    {"chosen": "a", "rejected": "b"},
    {"text": "t"},
    {"text": " "},
    {"prompt": "p", "completion": "c", "label": True},
    {"prompt": TURNS[:2], "completion": [TURNS[2]], "label": 0},
    {"prompt": "p", "completion": "c", "label": "good"},
    {},
]


def plain(example: Any) -> dict[str, Any]:
    """Our example in the script's form."""
    prompt = example.prompt if isinstance(example.prompt, str) else list(example.prompt)
    row = {"row": example.row, "prompt": prompt, "completion": example.completion}
    row |= {} if example.rejected is None else {"rejected": example.rejected}
    return row if example.liked is None else {**row, "label": example.liked}


def ours(reader: formats.Reader, row: dict[str, Any]) -> Any:
    try:
        return [plain(example) for example in reader(3, row)]
    except formats.Unusable:
        return "unusable"


def theirs(reader: Any, row: dict[str, Any]) -> Any:
    try:
        return reader(3, row)
    except rows.Unusable:
        return "unusable"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: json.dumps(row)[:50])
def test_every_row_form_is_understood_alike(row: dict[str, Any]) -> None:
    assert theirs(pairs.examples_of, row) == ours(formats.pairs, row)
    assert theirs(preferences.examples_of, row) == ours(formats.preferences, row)
    assert theirs(feedback.examples_of, row) == ours(formats.feedback, row)
    assert theirs(texts.examples_of, row) == ours(formats.texts, row)


VALUES = st.one_of(
    st.none(),
    st.integers(),
    st.booleans(),
    st.sampled_from(["", " ", "a", "b", "한"]),
    st.lists(st.sampled_from([*TURNS, *SHAREGPT, {}, {"role": "user"}]), max_size=3),
    st.sampled_from(TURNS),
)
FIELDS = "messages conversations prompt completion response instruction input output system question answer text label"
KEYS = st.sampled_from([*FIELDS.split(), "chosen", "rejected"])


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_row_is_understood_alike(row: dict[str, Any]) -> None:
    assert theirs(pairs.examples_of, row) == ours(formats.pairs, row)
    assert theirs(preferences.examples_of, row) == ours(formats.preferences, row)
    assert theirs(feedback.examples_of, row) == ours(formats.feedback, row)
    assert theirs(texts.examples_of, row) == ours(formats.texts, row)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '\ufeff{"question": "q\u2028r", "answer": "1"}\n\n{"question": "둘", "answer": "2"}\r\n'),
        ("a.json", '[{"question": "q", "answer": "1"}]'),
        ("a.csv", 'question,answer\n"q, with\nnewline",1\nx,2,extra\n'),
        ("a.tsv", "question\tanswer\nq\t1\n"),
    ],
)
def test_files_are_read_alike(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert rows.read_rows(str(tmp_path / name)) == read_rows(tmp_path / name)


def test_the_split_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [{"row": n, "prompt": f"q{n % 17}", "completion": str(n)} for n in range(40)]
    mine = [formats.pairs(row["row"], row)[0] for row in made]
    monkeypatch.setattr(split, "EVAL_FRACTION", 0.3)
    monkeypatch.setattr(split, "SEED", 5)
    train, held_out = split.hold_out(made)
    expected = data.hold_out(mine, 0.3, 5)
    assert [train, held_out] == [[plain(example) for example in part] for part in expected]


@pytest.mark.parametrize("objective", sorted(PIECES))
def test_every_script_compiles_and_says_what_the_recipe_says(tmp_path: Path, objective: str) -> None:
    recipe = {
        "label": f"ft/{objective}:qlora",
        "model": {"id": 'some/"quoted"\nmodel'},
        "data": {"train": "학습.jsonl", "mapping": {"prompt": "질문"}},
        "adapter": {"rank": 7, "targets": ["q_proj"]},
        "train": {"learning_rate": 0.0003, "beta": 0.25},
        "why": {"train.learning_rate": "because\nimport os; os.abort()\r\x0bimport os"},
    }
    (tmp_path / "r.json").write_text(json.dumps(recipe), encoding="utf-8")
    place = Place(tmp_path / "out", ())
    task = Task(source=find_source(str(tmp_path / "r.json")), place=place, words=words("en"))
    text = script(task, PIECES[task.source.one_stage(PIECES)])
    compile(text, "train.py", "exec")
    constants: dict[str, Any] = {"Any": Any}
    head = text[text.index("# Which model") : text.index("\n\n\ndef ")]
    exec(head, constants)
    assert (constants["MODEL"], constants["RANK"], constants["TARGETS"]) == ('some/"quoted"\nmodel', 7, ["q_proj"])
    assert (constants["LEARNING_RATE"], constants["BETA"], constants["QUANT"]) == (0.0003, 0.25, None)
    assert constants["COLUMNS"] == {"prompt": "질문"}
    assert constants["TRAIN_FILE"] == str(tmp_path / "학습.jsonl")
    assert "tuner_tui" not in text
