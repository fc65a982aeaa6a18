"""Every known shape of data is recognised by its columns, and counts as the kind that it can train."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.inspect import inspect

TURNS = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
SHARED = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
ASKED = [{"role": "user", "content": "Hi"}]
GOOD, POOR = [{"role": "assistant", "content": "Hello"}], [{"role": "assistant", "content": "No."}]

SHAPES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "alpaca": ({"instruction": "Say hi", "input": "", "output": "Hi"}, "alpaca", "instruction_pairs"),
    "koalpaca": ({"instruction": "인사해", "output": "안녕하세요"}, "alpaca", "instruction_pairs"),
    "sharegpt": ({"conversations": SHARED}, "sharegpt", "instruction_pairs"),
    "chat": ({"messages": TURNS}, "openai_chat", "instruction_pairs"),
    "chat waiting for answers": ({"messages": ASKED}, "openai_chat", "unlabeled_inputs"),
    "prompt completion": ({"prompt": "Hi", "completion": "Hello"}, "prompt_completion", "instruction_pairs"),
    "prompt completion turns": ({"prompt": ASKED, "completion": GOOD}, "prompt_completion", "instruction_pairs"),
    "preference": ({"prompt": "Hi", "chosen": "Hello", "rejected": "No."}, "preference", "preference_pairs"),
    "preference turns": ({"prompt": ASKED, "chosen": GOOD, "rejected": POOR}, "preference", "preference_pairs"),
    "implicit": ({"chosen": ASKED + GOOD, "rejected": ASKED + POOR}, "preference_implicit", "preference_pairs"),
    "unpaired": ({"prompt": "Hi", "completion": "Hello", "label": True}, "unpaired", "binary_feedback"),
    "openai preference": (
        {"input": {"messages": ASKED}, "preferred_output": GOOD, "non_preferred_output": POOR},
        "openai_preference",
        "preference_pairs",
    ),
    "hh": (
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: No."},
        "hh_rlhf",
        "preference_pairs",
    ),
    "ultrafeedback": (
        {
            "instruction": "Hi",
            "completions": [{"response": "Hello", "overall_score": 9}, {"response": "No.", "overall_score": 2}],
        },
        "ultrafeedback",
        "preference_pairs",
    ),
    "gsm8k": ({"question": "2 + 2?", "answer": "Two and two.\n#### 4"}, "gsm8k", "verifiable_rewards"),
    "quantities": ({"prompt": "How long?", "answer": "35 days"}, "gsm8k", "verifiable_rewards"),
    "dolly": (
        {"instruction": "Say hi", "context": "to Kim", "response": "Hi Kim", "category": "open"},
        "alpaca",
        "instruction_pairs",
    ),
    "text": ({"text": "Once upon a time"}, "text", "documents"),
    "korean columns": ({"질문": "안녕?", "답변": "안녕하세요."}, "prompt_completion", "instruction_pairs"),
    "sentiment table": ({"text": "Good film", "label": 1}, "table", "instruction_pairs"),
    "strangers": ({"a": 1, "b": [2]}, "unknown", None),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shape_is_recognised(name: str, tmp_path: Path) -> None:
    row, form, kind = SHAPES[name]
    path = tmp_path / "rows.jsonl"
    rows = [{**row, "id": at} for at in range(12)]
    if form == "unpaired":
        rows[0] = {**row, **{key: not value for key, value in row.items() if isinstance(value, bool)}}
    if form == "table":
        rows[0]["label"] = 0
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    found = inspect(path)
    assert (found.format, found.kind) == (form, kind)
    assert found.rows == 12
    assert found.usable_rows == (0 if kind is None else 12)
    if kind is not None:
        assert getattr(found.facts, kind) == 12
        assert not [problem for problem in found.problems if problem.severity == "error" and problem.rows]


@pytest.mark.parametrize("name", [name for name, (_, _, kind) in SHAPES.items() if kind is not None])
def test_every_shape_yields_question_and_answer(name: str) -> None:
    from tuner_tui.inspect.formats import recognise
    from tuner_tui.inspect.talk import talk_of

    row, _, kind = SHAPES[name]
    shape = recognise([row])
    renamed = {**row, **{ours: row[theirs] for ours, theirs in shape.columns.items() if theirs in row}}
    talk = talk_of(renamed, shape)
    assert talk is not None
    if kind == "preference_pairs":
        assert "Hi" in talk.asked_text
        assert (str(talk.answer).strip(), str(talk.rejected).strip()) == ("Hello", "No.")
    elif kind not in ("unlabeled_inputs", "documents"):
        assert talk.asked_text
        assert talk.answer


def test_a_mapping_by_the_user_wins(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps({"a": f"ask {at}", "b": f"say {at}"}) + "\n" for at in range(12)), "utf-8")
    assert inspect(path).kind is None
    found = inspect(path, mapping={"prompt": "a", "completion": "b"})
    assert (found.format, found.kind, found.usable_rows) == ("prompt_completion", "instruction_pairs", 12)
    assert found.mapping == {"prompt": "a", "completion": "b"}


def test_the_context_of_a_question_is_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"instruction": "Who?", "context": "Kim came.", "response": "Kim"}
    path.write_text("".join(json.dumps({**row, "context": f"Kim came at {at}."}) + "\n" for at in range(12)), "utf-8")
    assert inspect(path).mapping == {"output": "response", "input": "context"}


def test_the_training_part_of_a_document_with_splits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    rows = [{"prompt": f"ask {at}", "completion": f"say {at * 31}"} for at in range(15)]
    path.write_text(json.dumps({"train": rows[:12], "test": rows[12:]}))
    assert (inspect(path).rows, inspect(path).kind) == (12, "instruction_pairs")


def test_rows_that_differ_only_beside_the_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [{"id": at, "prompt": f"ask {at % 14}", "completion": f"say {at % 14}"} for at in range(15)]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[3]]))
    found = inspect(path)
    same = found.problem("same_text")
    assert same is not None
    assert same.rows == [15]
    assert found.duplicates == 1
