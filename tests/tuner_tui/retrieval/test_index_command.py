"""`tuner index`: documents in, passages and scores out; every wrong setting is named."""

import json
from pathlib import Path

import pytest

from tuner_tui.cli import main

SAMPLES = Path(__file__).resolve().parents[3] / "samples"


def test_the_practice_documents_are_found_and_scored(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["index", str(SAMPLES / "world"), "--set", f"chunk_tokenizer={SAMPLES / 'model'}"]
    command += ["--questions", str(SAMPLES / "data" / "questions.test.jsonl"), "--ask", "How much is Lumora?", "--json"]
    assert main([*command, "--store", str(tmp_path / "store")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["files"], said["left_out"]) == (60, ["facts.jsonl"])
    assert said["chunked"]["size"] == 256
    assert said["scores"]["items"] == 300
    assert said["scores"]["by"]["bm25"]["recall"]["3"] > 0.95
    assert said["found"][0]["passages"][0]["cited"] == "en/product-01.md#1"
    assert main([*command, "--store", str(tmp_path / "store"), "--set", "chunk_tokens=64"]) == 2
    assert "retrieval.mismatch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("retriver=bm25", "retrieval.retriever"),
        ("retriever=dense", "retrieval.embedding"),
        ("passages=0", "retrieval.passages"),
        ("embedding=/nowhere", "/nowhere"),
        ("reranker=./nowhere", "nowhere"),
        ("chunk_tokenizer=/nowhere", "/nowhere"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_wrong_setting_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, setting: str, word: str, lang: str
) -> None:
    (tmp_path / "a.txt").write_text("alpha")
    assert main(["--lang", lang, "index", str(tmp_path / "a.txt"), "--set", setting]) == 2
    assert word in capsys.readouterr().err


def test_wrong_questions_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha")
    (tmp_path / "q.jsonl").write_text('{"question": "a", "doc": "a.txt"}\n[1]\n')
    assert main(["index", str(tmp_path / "a.txt"), "--questions", str(tmp_path / "q.jsonl")]) == 2
    assert "q.jsonl" in (said := capsys.readouterr().err)
    assert "2" in said
    (tmp_path / "q.jsonl").write_text('{"question": "a"}\n')
    assert main(["index", str(tmp_path / "a.txt"), "--questions", str(tmp_path / "q.jsonl")]) == 2
