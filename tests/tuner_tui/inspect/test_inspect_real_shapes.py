"""Rows in the shapes of well-known data sets, and the ways in which such files come broken."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.inspect import Inspection, inspect
from tuner_tui.inspect.fit import check_fits
from tuner_tui.inspect.named import MISSING, cell

WORDS = "river stone lamp winter bread letter garden window market silver cloud engine"


def sentence(seed: int, words: int = 9) -> str:
    return " ".join(random.Random(seed).choices(WORDS.split(), k=words))


def saved(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def named(found: Inspection, code: str) -> list[int]:
    problem = found.problem(code)
    assert problem is not None, [each.code for each in found.problems]
    return problem.rows


SHAPES: dict[str, tuple[Any, str | None, str, dict[str, str]]] = {
    "verl": (
        lambda at: {
            "data_source": "openai/gsm8k",
            "prompt": [{"role": "user", "content": f"{at} and {at + 3}?"}],
            "reward_model": {"style": "rule", "ground_truth": str(2 * at + 3)},
            "extra_info": {"index": at, "split": "train"},
        },
        "verifiable_rewards",
        "gsm8k",
        {"question": "prompt", "answer": "reward_model.ground_truth"},
    ),
    "squad": (
        lambda at: {
            "id": str(at),
            "title": "T",
            "context": sentence(at),
            "question": sentence(at + 99),
            "answers": {"text": [sentence(at, 2)], "answer_start": [0]},
        },
        "instruction_pairs",
        "alpaca",
        {"instruction": "question", "input": "context", "output": "answers.text.0"},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_columns_within_objects_are_found(name: str, tmp_path: Path) -> None:
    row, kind, form, mapping = SHAPES[name]
    found = inspect(saved(tmp_path / "rows.jsonl", [row(at) for at in range(12)]))
    assert (found.kind, found.format, found.usable_rows, found.mapping) == (kind, form, 12, mapping)


def test_a_dotted_name_reaches_into_objects_and_lists_and_a_plain_one_comes_first() -> None:
    row = {"a": {"b": [{"c": 1}]}, "a.b": 2}
    assert (cell(row, "a.b.0.c"), cell(row, "a.b")) == (1, 2)
    assert cell(row, "a.x") is cell(row, "a.b.1") is cell(row, "z") is MISSING


def test_a_mapping_of_the_user_may_reach_into_objects(tmp_path: Path) -> None:
    rows = [{"translation": {"ko": f"문장 {at}", "en": sentence(at)}} for at in range(12)]
    path = saved(tmp_path / "rows.jsonl", rows)
    found = inspect(path, mapping={"prompt": "translation.ko", "completion": "translation.en"})
    assert (found.kind, found.usable_rows) == ("instruction_pairs", 12)


def test_single_messages_of_a_tree_are_no_documents(tmp_path: Path) -> None:
    rows = [{"message_id": str(at), "parent_id": None, "text": sentence(at), "role": "prompter"} for at in range(12)]
    found = inspect(saved(tmp_path / "rows.jsonl", rows))
    assert (found.kind, found.usable_rows) == (None, 0)
    assert named(found, "single_messages") == list(range(1, 13))


def test_a_label_that_is_null_is_a_missing_label_and_no_other_form(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"prompt": sentence(at), "completion": sentence(at + 50)} for at in range(12)]
    for at, row in enumerate(rows):
        row["label"] = None if at == 7 else at % 2 == 0
    found = inspect(saved(tmp_path / "rows.jsonl", rows))
    assert named(found, "missing_key") == [8]
    assert found.problem("other_format") is None


def test_labels_that_are_all_one_leave_nothing_usable_and_every_row_is_named(tmp_path: Path) -> None:
    rows = [{"prompt": sentence(at), "completion": sentence(at + 50), "label": True} for at in range(12)]
    found = inspect(saved(tmp_path / "rows.jsonl", rows))
    assert named(found, "one_class") == list(range(1, 13))
    assert (found.rows, found.usable_rows) == (12, 0)


def test_a_proposed_mapping_leaves_keys_and_classes_out(tmp_path: Path) -> None:
    rows = [{"key": f"k{at}", "colA": sentence(at), "colB": sentence(at + 50), "split": "a"} for at in range(12)]
    problem = inspect(saved(tmp_path / "rows.jsonl", rows)).problem("unknown_format")
    assert problem is not None
    assert "--map prompt=colA --map completion=colB" in problem.text


ROWS = [{"instruction": sentence(at), "output": sentence(at + 50)} for at in range(12)]


def test_an_array_cut_between_two_rows_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS)[: json.dumps(ROWS).index('{"instruction": "' + str(ROWS[8]["instruction"]))])
    found = inspect(path)
    assert (found.rows, found.usable_rows) == (8, 8)
    assert found.problem("cut_end") is not None
    path.write_text(json.dumps(ROWS))
    assert inspect(path).problem("cut_end") is None


def test_a_quotation_mark_that_is_never_closed_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = ["prompt,completion", *(f'"{row["instruction"]}","{row["output"]}"' for row in ROWS)]
    path.write_text("\n".join(lines) + "\n")
    assert inspect(path).usable_rows == 12
    path.write_text("\n".join(lines)[:-5])
    assert named(inspect(path), "open_quote") == [12]


@pytest.mark.parametrize("closes", [False, True])
def test_a_stray_quotation_mark_between_tabs_swallows_no_row(closes: bool, tmp_path: Path) -> None:
    rows = [[str(at), sentence(at), str(at % 2)] for at in range(40)]
    rows[7][1] = '"' + rows[7][1]
    rows[30][1] = rows[30][1] + '"' if closes else rows[30][1]
    path = tmp_path / "ratings_train.txt"
    path.write_text("\n".join("\t".join(row) for row in [["id", "document", "label"], *rows]) + "\n")
    found = inspect(path)
    assert (found.kind, found.rows, found.usable_rows) == ("instruction_pairs", 40, 40)
    assert named(found, "stray_quotes")[0] == 8


def test_a_cell_of_several_lines_stays_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    lines = ["prompt,completion", *(f'{row["instruction"]},"Yes, first.\nThen, {row["output"]}"' for row in ROWS)]
    path.write_text("\n".join(lines) + "\n")
    found = inspect(path)
    assert (found.rows, found.usable_rows, found.problem("stray_quotes")) == (12, 12, None)


def test_a_table_of_semicolons_is_prepared_before_training(tmp_path: Path) -> None:
    from advisor.errors import InputError
    from advisor.methods import parse_label

    path = tmp_path / "rows.csv"
    lines = ["prompt;completion", *(f"{row['instruction']};{row['output']}" for row in ROWS)]
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as told:
        check_fits(inspect(path), parse_label("ft/sft:lora"), str(path))
    assert told.value.code == "planned.prepare_first"


def test_a_small_archive_that_breaks_off_gives_the_rows_before_the_break(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    packed = gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS).encode())
    path.write_bytes(packed[:-40])
    found = inspect(path)
    assert 0 < found.usable_rows < 12
    assert found.problem("cut_stream") is not None


def test_test_rows_in_the_same_document_are_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps({"train": ROWS, "test": ROWS[3:5], "extra": "x"}))
    found = inspect(path)
    assert (found.rows, named(found, "leak")) == (12, [4, 5])
    told = found.problem("split")
    assert told is not None
    assert "train" in told.text


def test_data_within_objects_is_to_be_prepared_before_training(tmp_path: Path) -> None:
    from advisor.errors import InputError
    from advisor.methods import parse_label

    found = inspect(saved(tmp_path / "rows.jsonl", [SHAPES["verl"][0](at) for at in range(12)]))
    with pytest.raises(InputError) as told:
        check_fits(found, parse_label("ft/grpo:lora"), str(tmp_path / "rows.jsonl"))
    assert told.value.code == "planned.prepare_first"


def test_a_table_of_one_class_leaves_nothing_to_learn(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "".join(f"{sentence(at)},good\n" for at in range(12)))
    found = inspect(path)
    assert named(found, "one_class") == list(range(1, 13))
    assert found.usable_rows == 0
    with path.open("a") as file:
        file.write(f"{sentence(40)},bad\n")
    assert inspect(path).usable_rows == 13
