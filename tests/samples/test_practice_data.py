"""The practice data is what its generator writes, of the kind it claims, and nothing leaks into the test files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
SPLITS = ("train", "test")
KEYS = {
    "instructions": {"messages"},
    "instructions_brief": {"instruction", "output"},
    "style": {"messages"},
    "style_passages": {"messages"},
    "preference": {"prompt", "chosen", "rejected"},
    "feedback": {"prompt", "completion", "label"},
    "refusal": {"messages"},
    "checkable": {"prompt", "answer"},
    "unlabeled": {"prompt"},
    "questions": {"question", "answer", "doc", "lang"},
    "grounded": {"question", "answer", "doc", "lang"},
    "corpus": {"text"},
}


def rows(name: str, split: str) -> list[dict[str, object]]:
    lines = (SAMPLES / "data" / f"{name}.{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_rebuilt_byte_for_byte(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SAMPLES / "make" / "data.py"), "--out", str(tmp_path)], check=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(made) > 140
    for path, content in made.items():
        assert (SAMPLES / path).read_bytes() == content, path


@pytest.mark.parametrize("name", sorted(KEYS))
def test_rows_have_their_keys_and_do_not_leak(name: str) -> None:
    train, test = rows(name, "train"), rows(name, "test")
    assert train
    assert test
    assert all(set(row) == KEYS[name] for row in train + test)
    known = {json.dumps(row, sort_keys=True) for row in train}
    assert len(known) == len(train)
    assert not known & {json.dumps(row, sort_keys=True) for row in test}


@pytest.mark.parametrize("name", sorted(set(KEYS) - {"questions", "grounded", "corpus"}))
def test_subjects_are_names_of_the_lessons_and_none_of_the_test_rows_is_trained_on(name: str) -> None:
    sys.path.insert(0, str(SAMPLES / "make"))
    import words

    met = {each for names in words.familiar().values() for each in names}
    spoken = [
        set(re.findall(r"[A-Z][a-z]+|[가-힣]+", json.dumps(rows(name, split), ensure_ascii=False))) for split in SPLITS
    ]
    train, test = (met & each for each in spoken)
    assert len(test) > 50
    assert not train & test


def test_both_languages_in_every_file() -> None:
    for path in (SAMPLES / "data").glob("*.jsonl"):
        lines = path.read_text(encoding="utf-8").splitlines()
        korean = sum(any("가" <= letter <= "힣" for letter in line) for line in lines)
        assert 0.3 < korean / len(lines) < 0.7, path.name


def test_world_has_sixty_documents_and_changed_facts() -> None:
    documents = sorted((SAMPLES / "world").rglob("*.md"))
    assert len(documents) == 60
    facts = [json.loads(line) for line in (SAMPLES / "world" / "facts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {fact["doc"] for fact in facts} == {path.relative_to(SAMPLES / "world").as_posix() for path in documents}
    assert all(fact["answer"] in (SAMPLES / "world" / fact["doc"]).read_text(encoding="utf-8") for fact in facts)
    changed = [fact for fact in facts if fact["before"]]
    assert 0.1 < len(changed) / len(facts) < 0.3
    old = {fact["doc"]: (SAMPLES / "world_before" / fact["doc"]).read_text(encoding="utf-8") for fact in changed}
    assert all(fact["before"] in old[fact["doc"]] for fact in changed)


def test_style_metric_tells_the_house_style_from_plain_answers() -> None:
    metric = json.loads((SAMPLES / "data" / "style.metric.json").read_text(encoding="utf-8"))
    answers = [row["messages"][1]["content"] for row in rows("style", "test")]  # type: ignore[index]
    plain = [row["messages"][1]["content"] for row in rows("instructions", "test")]  # type: ignore[index]
    assert all(re.search(metric["pattern"], answer) for answer in answers)
    assert not any(re.search(metric["pattern"], answer) for answer in plain)
