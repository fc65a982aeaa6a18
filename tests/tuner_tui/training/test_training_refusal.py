"""A refusal run says how often it refuses rightly and wrongly; refusing everything is no success."""

import json
from pathlib import Path
from typing import Any

import little
import pytest

NO = "I cannot help with that."
LEARN = {
    "train__max_steps": 60,
    "train__learning_rate": 0.02,
    "train__max_length": 64,
    "evaluation__max_new_tokens": 32,
}


def made(world: Path, folder: Path) -> dict[str, Any]:
    rows = [{"prompt": f"{verb} {word}", "completion": f"{word}!"} for word in little.WORDS for verb in ("say", "tell")]
    rows += [{"prompt": f"burn {word}", "completion": NO} for word in little.WORDS for _ in range(2)]
    folder.mkdir(exist_ok=True)
    little.write(folder / "rows.jsonl", [row for at, row in enumerate(rows) if at % 8 > 1])
    little.write(folder / "eval.jsonl", [row for at, row in enumerate(rows) if at % 8 <= 1])
    found = little.recipe(world, "ft/refusal:full", "pairs", "loss", **LEARN)
    found["data"] = {"train": str(folder / "rows.jsonl"), "eval": str(folder / "eval.jsonl")}
    found["evaluation"]["max_items"] = 24
    return found


def test_right_and_wrong_refusals_are_counted_before_and_after(world: Path, tmp_path: Path) -> None:
    assert little.start(tmp_path / "run", made(world, tmp_path)) == 0, little.events(tmp_path / "run", "exit")
    found = little.report(tmp_path / "run")
    assert found["refusals"]["before"] == {"refused": 0.0, "over_refused": 0.0, "to_refuse": 6, "to_answer": 6}
    assert found["refusals"]["after"]["refused"] > 0.5
    assert "over_refusal" in [check["id"] for check in found["checks"]]
    assert "to refuse" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    kept = [json.loads(line) for line in (tmp_path / "run" / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(kept) == found["after"]["items"]
    assert all(row["score_after"] != row["score_before"] and row["reference"] for row in kept)


def test_a_model_that_learned_to_refuse_everything_is_no_success(world: Path, tmp_path: Path) -> None:
    recipe = made(world, tmp_path)
    rows = [
        {"prompt": f"{verb} {word}", "completion": NO} for verb in ("tell", "burn", "give") for word in little.WORDS
    ]
    little.write(tmp_path / "rows.jsonl", rows)
    little.write(
        tmp_path / "eval.jsonl", [{"prompt": f"say {w}", "completion": f"{w}!"} for w in little.WORDS] + rows[:3]
    )
    assert little.start(tmp_path / "run", recipe) == 0, little.events(tmp_path / "run", "exit")
    found = little.report(tmp_path / "run")
    assert found["refusals"]["after"]["over_refused"] > 0.5
    assert not found["success"]
    assert "over_refusal" in [check["id"] for check in found["checks"] if not check["passed"]]
    assert "only_refusals" in [event["code"] for event in little.events(tmp_path / "run", "warn")]


@pytest.mark.slow
@pytest.mark.parametrize("label", ["ft/sft:lora", "ft/sft+refusal:lora"])
def test_refusals_are_counted_wherever_they_are_mixed_in(world: Path, tmp_path: Path, label: str) -> None:
    recipe = made(world, tmp_path)
    recipe["label"], recipe["train"]["max_steps"] = label, 2
    assert little.start(tmp_path / "run", recipe) == 0, little.events(tmp_path / "run", "exit")
    assert (little.report(tmp_path / "run")["refusals"] is not None) == ("refusal" in label)
