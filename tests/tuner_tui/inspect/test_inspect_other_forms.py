"""Rows in forms of published data sets that training does not read as they are: what they ask and answer is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.inspect import inspect
from tuner_tui.inspect.one import row_at
from tuner_tui.inspect.prepare import Choice, prepare

ASK, GOOD, POOR = "Which river is longest?", "The Nile is.", "No idea."
U, A, B = (
    {"role": "user", "content": ASK},
    {"role": "assistant", "content": GOOD},
    {"role": "assistant", "content": POOR},
)
CALL = [{"name": "find", "arguments": {"what": "river"}}]
TREE = {"text": ASK, "role": "prompter", "replies": [
    {"text": POOR, "role": "assistant", "rank": 1, "replies": []},
    {"text": GOOD, "role": "assistant", "rank": 0, "replies": [{"text": "And?", "role": "prompter", "replies": []}]},
]}  # fmt: skip

PAIRS: dict[str, dict[str, Any]] = {
    "lima": {"conversations": [ASK, GOOD], "source": "x"},
    "ultrachat": {"id": "1", "data": [ASK, GOOD]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": ASK}]}, {"role": "model", "parts": [{"text": GOOD}]}]},
    "cohere": {"messages": [{"role": "User", "content": ASK}, {"role": "Chatbot", "content": GOOD}]},
    "capybara": {"source": "x", "conversation": [{"input": ASK, "output": GOOD}]},
    "oasst tree": {"message_tree_id": "t", "prompt": TREE},
    "history": {"instruction": ASK, "input": "", "output": GOOD, "history": []},
    "guanaco": {"text": f"### Human: {ASK}### Assistant: {GOOD}"},
    "chatml": {"text": f"<|im_start|>user\n{ASK}<|im_end|>\n<|im_start|>assistant\n{GOOD}<|im_end|>\n"},
    "llama 2": {"text": f"<s>[INST] {ASK} [/INST] {GOOD} </s>"},
    "llama 3": {
        "text": f"<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n{ASK}<|eot_id|>"
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{GOOD}<|eot_id|>"
    },
    "glaive": {"system": "", "chat": f"USER: {ASK}\n\n\nASSISTANT: {GOOD} <|endoftext|>"},
    "in a cell": {"id": "1", "messages": json.dumps([U, A])},
    "in a cell as pandas writes it": {"id": "1", "messages": str([U, A])},
    "nq": {"question": ASK, "answer": [GOOD, "Nile"]},
    "trivia": {"question": ASK, "answer": {"aliases": ["Nile"], "value": GOOD}},
    "번역": {"원문": ASK, "번역문": GOOD},
    "songys": {"Q": ASK, "A": GOOD, "label": 0},
    "opus": {"translation": {"en": ASK, "ko": GOOD}},
    "mbpp": {"task_id": 1, "text": ASK, "code": GOOD, "test_list": ["assert f(1)"]},
}
PREFERENCES: dict[str, dict[str, Any]] = {
    "shp": {"history": ASK, "human_ref_A": POOR, "human_ref_B": GOOD, "labels": 0, "score_A": 2, "score_B": 9},
    "webgpt": {"question": {"full_text": ASK}, "answer_0": GOOD, "answer_1": POOR, "score_0": 0.5, "score_1": -0.5},
    "pku": {"prompt": ASK, "response_0": POOR, "response_1": GOOD, "better_response_id": 1},
    "helpsteer3": {"context": [U], "response1": GOOD, "response2": POOR, "overall_preference": -2},
    "arena": {"conversation_a": [U, B], "conversation_b": [U, A], "winner": "model_b"},
    "tldr": {"info": {"post": ASK}, "summaries": [{"text": POOR}, {"text": GOOD}], "choice": 1},
    "nectar": {
        "prompt": f"\n\nHuman: {ASK}\n\nAssistant: ",
        "answers": [{"answer": POOR, "rank": 3.0}, {"answer": GOOD, "rank": 1.0}, {"answer": "Hm.", "rank": 2.0}],
    },
    "eli5": {"title": "x", "question": ASK, "answers": {"text": [POOR, GOOD], "score": [1, 7]}},
    "선호": {"질문": ASK, "선호 답변": GOOD, "비선호 답변": POOR},
}
CHOICES: dict[str, dict[str, Any]] = {
    "mmlu": {"question": ASK, "choices": ["Po", "Nile", "Han"], "answer": 1, "subject": "x"},
    "arc": {"question": ASK, "choices": {"text": ["Po", "Nile", "Han"], "label": ["1", "2", "3"]}, "answerKey": "2"},
    "commonsense": {
        "question": {"stem": ASK, "choices": [{"label": x, "text": y} for x, y in (("A", "Po"), ("B", "Nile"))]},
        "answerKey": "B",
    },
    "aqua": {"question": ASK, "options": ["A)Po", "B)Nile", "C)Han"], "correct": "B", "rationale": "long"},
    "medmcqa": {"question": ASK, "opa": "Po", "opb": "Nile", "opc": "Han", "opd": "Rhine", "cop": 1},
    "piqa": {"goal": ASK, "sol1": "Po", "sol2": "Nile", "label": 1},
    "hellaswag": {"ctx": ASK, "endings": ["Po", "Nile", "Han"], "label": "1"},
    "text of a choice": {"question": ASK, "choices": ["Po", "Nile", "Han"], "answer": "Nile"},
}  # fmt: skip


def told(folder: Path, row: dict[str, Any]) -> tuple[Any, str | None, str | None, str | None]:
    """What a file of such a row asks, answers and rejects, and the kind that it counts as."""
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    talk = row_at(path, 1).talk
    assert talk is not None
    return talk.asked_text, talk.answer, talk.rejected, inspect(path).kind


@pytest.mark.parametrize("name", PAIRS)
def test_a_question_and_its_answer_are_seen(name: str, tmp_path: Path) -> None:
    assert told(tmp_path, PAIRS[name]) == (ASK, GOOD, None, "instruction_pairs")


@pytest.mark.parametrize("name", PREFERENCES)
def test_the_answer_that_won_is_the_chosen_one(name: str, tmp_path: Path) -> None:
    assert told(tmp_path, PREFERENCES[name]) == (ASK, GOOD, POOR, "preference_pairs")


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_checkable_with_its_choices(name: str, tmp_path: Path) -> None:
    asked, answer, _, kind = told(tmp_path, CHOICES[name])
    assert (answer, kind) == ("B", "verifiable_rewards")
    assert asked.startswith(ASK)
    assert "\nA. Po\nB. Nile" in asked


def saved(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_numbers_count_from_one_where_the_rows_say_so_and_a_number_beyond_is_named(tmp_path: Path) -> None:
    rows = [{"question": f"질문 {at}?", "A": "가", "B": "나", "C": "다", "answer": at % 3 + 1} for at in range(12)]
    path = saved(tmp_path / "rows.jsonl", rows)
    assert [str(row_at(path, row).talk.answer) for row in (1, 2, 3)] == ["A", "B", "C"]  # type: ignore[union-attr]
    rows[6]["answer"] = 5
    problem = inspect(saved(path, rows)).problem("bad_choice")
    assert problem is not None
    assert problem.rows == [7]


def test_a_tie_is_left_out_and_named(tmp_path: Path) -> None:
    row = {"conversation_a": [U, A], "conversation_b": [U, B]}
    rows = [{**row, "winner": ("model_a", "model_b", "tie")[at % 3], "id": at} for at in range(12)]
    found = inspect(saved(tmp_path / "rows.jsonl", rows))
    problem = found.problem("undecided")
    assert problem is not None
    assert (problem.rows, found.usable_rows) == ([3, 6, 9, 12], 8)


@pytest.mark.parametrize(
    "row",
    [
        {"image": "a.jpg", "conversations": [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "A"}]},
        {"images": ["a.jpg"], "messages": [U, A]},
        {"image": {"path": "a.jpg", "bytes": None}, "question": ASK, "answer": GOOD},
        {"instruction": ASK, "output": GOOD, "audio": "a.wav"},
    ],
)  # fmt: skip
def test_rows_about_pictures_or_sound_are_left_out_with_the_reason(row: dict[str, Any], tmp_path: Path) -> None:
    found = inspect(saved(tmp_path / "rows.jsonl", [{**row, "id": at} for at in range(12)]))
    problem = found.problem("not_text")
    assert problem is not None
    assert (len(problem.rows), found.usable_rows) == (12, 0)


def test_tags_for_words_are_a_task_that_is_not_trained(tmp_path: Path) -> None:
    rows = [{"sentence": "Kim came", "tokens": ["Kim", "came"], "ner_tags": [1, 0]} for _ in range(12)]
    found = inspect(saved(tmp_path / "rows.jsonl", rows))
    assert (found.kind, found.problem("unsupported_task") is not None) == (None, True)


def test_prepared_rows_of_another_form_are_in_the_plain_one(tmp_path: Path) -> None:
    rows = [
        {"history": f"{ASK} {at}", "human_ref_A": GOOD, "human_ref_B": POOR, "labels": 1, "score_A": 3, "score_B": 2}
        for at in range(12)
    ]
    source = saved(tmp_path / "rows.jsonl", rows)
    assert inspect(source).problem("reformed") is not None
    made = prepare(source, tmp_path / "out", Choice(shares=(0.0, 0.0)))
    again = inspect(Path(made.out) / "train.jsonl")
    assert (again.format, again.usable_rows, again.problem("reformed")) == ("preference", 12, None)
