"""`tuner compare RUN` and `tuner eval RUN`, whole: real model, real documents, real child process."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import little
import pytest


def tuner(*args: object) -> tuple[int, Any, str]:
    """The real command line in a process of its own: exit code, document, words."""
    done = subprocess.run(
        [sys.executable, "-m", "tuner_tui", *map(str, args)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr


@pytest.fixture(scope="module")
def finished(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, trained once."""
    folder = tmp_path_factory.mktemp("finished") / "20260101-0000-little-abcd"
    made = little.recipe(world, "ft/sft:lora", "pairs", "exact_match", train__max_steps=40, train__learning_rate=0.02)
    assert little.start(folder, made) == 0
    return folder


@pytest.fixture
def run(finished: Path) -> Path:
    """A copy of it in this test's home."""
    return Path(shutil.copytree(finished, Path(os.environ["TUNER_HOME"]) / "runs" / finished.name))


def test_every_possible_lane_answers_the_same_questions(run: Path, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for word in little.WORDS:
        (docs / f"{word}.md").write_text(f"say {word}, tell {word}: {word}!", encoding="utf-8")
    code, found, words = tuner(
        "compare",
        *(run.name, "--docs", docs),
        *("--json", "--details", "--out", tmp_path / "all.json", "--html", tmp_path / "all.html"),
    )
    assert code == 0, words
    shown = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert sum(shown.count(f"<tr class='{kind}'>") for kind in ("win", "loss", "tie")) == 12
    assert shown.count("<tr class=''>") == 2 * 5  # the lanes, and their other figures
    assert "<script" not in shown
    assert "http" not in shown
    assert [lane["label"] for lane in found["lanes"]] == ["zero_shot", "few_shot", "rag", "ft", "rag_ft"]
    assert found["items"] == 12
    assert all(0 <= lane["low"] <= lane["score"] <= lane["high"] <= 1 for lane in found["lanes"])
    assert all(0 < lane["latency_ms"]["p50"] <= lane["latency_ms"]["p95"] for lane in found["lanes"])
    assert len({row["question"] for row in found["answers"]}) == 12
    assert found["verdict"]["label"] in {lane["label"] for lane in found["lanes"]}
    assert json.loads((tmp_path / "all.json").read_text(encoding="utf-8")) == found
    for row in found["answers"]:
        assert row["lanes"]["rag"]["cites"] in (None, *row["passages"])
        assert "cites" not in row["lanes"]["ft"]
    tuned = next(lane for lane in found["lanes"] if lane["label"] == "ft")
    assert tuned["score"] == pytest.approx(little.report(run)["after"]["score"])


def test_a_run_is_scored_on_any_file(run: Path, world: Path) -> None:
    code, found, words = tuner("eval", run.name, "--data", world / "other.eval.jsonl", "--json")
    assert code == 0, words
    assert found["items"] == 12
    assert list(found) == ["run", "items", "before", "after"]
    assert found["before"]["label"] == "zero_shot"


def test_a_file_with_other_columns_is_scored_without_the_training_file_and_known_questions_are_counted(
    run: Path, world: Path, tmp_path: Path
) -> None:
    rows = [json.loads(line) for line in (world / "pairs.jsonl").read_text(encoding="utf-8").splitlines()[:5]]
    little.write(tmp_path / "own.jsonl", [{"Frage": row["instruction"], "Antwort": row["output"]} for row in rows])
    told = ("--map", "question=Frage", "--map", "answer=Antwort", "--set", "evaluation.metric=reward")
    code, found, words = tuner(
        "eval", run.name, "--data", tmp_path / "own.jsonl", *told, "--set", "reward.check=exact", "--json", "--details"
    )
    assert code == 0, words
    assert (found["items"], found["seen"], found["after"]["metric"]) == (5, 5, "reward")
    assert found["after"]["score"] == found["after"]["also"]["exact_match"]
    assert found["answers"][0]["question"] == rows[0]["instruction"]


@pytest.mark.parametrize(
    ("args", "code", "named"),
    [
        (["nowhere"], 2, "nowhere"),
        (["RUN", "--lanes", "magic"], 2, "magic"),
        (["RUN", "--lanes", "rag"], 2, "--docs"),
    ],
)
def test_what_cannot_be_compared_is_named(run: Path, args: list[str], code: int, named: str) -> None:
    found = tuner("compare", *[run.name if arg == "RUN" else arg for arg in args], "--json")
    assert (found[0], found[1]) == (code, None)
    assert named in found[2]


def test_base_and_tuned_talk_side_by_side_with_and_without_documents(run: Path, tmp_path: Path) -> None:
    sample = little.report(run)["samples"][0]
    question = sample["prompt"].strip()
    (tmp_path / "note.md").write_text(f"{question}: {sample['reference']}", encoding="utf-8")
    asked = subprocess.run(
        [sys.executable, "-m", "tuner_tui", "chat", run.name, "--docs", tmp_path / "note.md", "--json"],
        input=f"{question}\n/new\n{question}\n",
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert asked.returncode == 0, asked.stderr
    first, again = map(json.loads, asked.stdout.splitlines())
    assert list(first["answers"]) == ["base", "tuned", "base_docs", "tuned_docs"]
    assert (first["answers"]["base"], first["answers"]["tuned"]) == (sample["before"], sample["after"])
    assert [each["cited"] for each in first["passages"]] == ["note.md#1"]
    assert list(first["cites"]) == ["base_docs", "tuned_docs"]
    assert again == first
