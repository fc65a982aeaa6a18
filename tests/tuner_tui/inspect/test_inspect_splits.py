"""Training rows are looked up in the test: beside a file, in a folder, or named by the user."""

from __future__ import annotations

import json
from pathlib import Path

from tuner_tui.inspect import Inspection, inspect


def write(path: Path, questions: list[str], answer: str = "The answer to that is the same as always") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"prompt": question, "completion": f"{answer} {at}."} for at, question in enumerate(questions)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def asked(start: int, stop: int) -> list[str]:
    words = ("apples", "wagons", "kettles", "mirrors", "pencils", "ladders", "buttons", "candles", "baskets", "engines")
    return [f"How many {words[at % 10]} fit into crate number {at * 7919} over there?" for at in range(start, stop)]


def rows_of(found: Inspection, code: str) -> list[int]:
    problem = found.problem(code)
    return problem.rows if problem else []


def test_a_question_of_the_test_file_beside_it_is_a_leak(tmp_path: Path) -> None:
    write(tmp_path / "faq.test.jsonl", asked(0, 5), answer="Something else entirely was said on that day")
    path = write(tmp_path / "faq.train.jsonl", asked(4, 20))
    assert rows_of(inspect(path), "leak") == [1]


def test_a_test_file_can_be_named(tmp_path: Path) -> None:
    test = write(tmp_path / "other.jsonl", asked(0, 5))
    path = write(tmp_path / "rows.jsonl", asked(3, 20))
    assert rows_of(inspect(path), "leak") == []
    assert rows_of(inspect(path, test=test), "leak") == [1, 2]


def test_the_test_file_itself_has_no_leak(tmp_path: Path) -> None:
    test = write(tmp_path / "faq.test.jsonl", asked(0, 12))
    write(tmp_path / "faq.train.jsonl", asked(0, 12))
    assert rows_of(inspect(test), "leak") == []


def test_nearly_the_same_row_is_told_apart_from_the_same_question(tmp_path: Path) -> None:
    write(tmp_path / "faq.test.jsonl", ["Where on earth did I put the big red umbrella of my grandmother, please?"])
    path = write(
        tmp_path / "faq.train.jsonl",
        [*asked(1, 12), "Where on earth did I put the big red umbrella of my grandmother, pleas?"],
    )
    found = inspect(path)
    assert rows_of(found, "leak") == []
    assert rows_of(found, "near_leak") == [12]


def test_a_folder_with_splits_is_read_as_its_training_part(tmp_path: Path) -> None:
    write(tmp_path / "data" / "train.jsonl", asked(3, 20))
    write(tmp_path / "data" / "test.jsonl", asked(0, 5))
    (tmp_path / "README.md").write_text("# A data set\n")
    found = inspect(tmp_path)
    assert (found.kind, found.rows) == ("instruction_pairs", 17)
    assert rows_of(found, "leak") == [1, 2]
    assert found.problem("split") is not None


def test_a_folder_of_documents_stays_documents(tmp_path: Path) -> None:
    for at in range(3):
        (tmp_path / f"page{at}.md").write_text(f"# Page {at}\n\nSome words about page {at}.\n")
    write(tmp_path / "extra.jsonl", asked(0, 5))
    found = inspect(tmp_path)
    assert (found.kind, found.rows, found.facts.documents) == ("documents", 3, 3)
    assert found.problem("others") is not None
