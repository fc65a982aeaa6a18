"""`tuner eval` asks a finished run what its own report asked: the same rows, with the same passages and answers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import little
import pytest

from tuner_tui import paths

METHODS = {
    "running text": ("ft/cpt:lora", "text", "loss"),
    "verdicts": ("ft/kto:lora", "feedback", "preference_accuracy"),
    "a teacher's answers": ("ft/distill:lora", "unlabeled", "loss"),
    "a chain": ("ft/cpt>sft:lora", "text", "exact_match"),
    "passages": ("rag_ft/sft:lora", "pairs", "loss"),
    "passages in a chain": ("rag_ft/cpt>sft:lora", "text", "loss"),
}


def recipe_of(world: Path, folder: Path, label: str, kind: str, metric: str) -> dict[str, Any]:
    made = little.recipe(world, label, kind, metric, train__max_steps=4, train__max_length=128)
    if "distill" in label:
        made["teacher"] = {"model": str(paths.samples() / "model"), "max_tokens": 6}
    if label.startswith("rag"):
        docs = folder / "docs"
        docs.mkdir()
        for word in little.WORDS:
            (docs / f"{word}.md").write_text(f"say {word}, tell {word}: {word}!", encoding="utf-8")
        made["data"]["docs"] = str(docs)
    if ">" in label:
        pairs = {"train": str(world / "pairs.jsonl"), "eval": str(world / "pairs.eval.jsonl")}
        made["stages"] = [{"objective": "cpt"}, {"objective": "sft", "data": pairs}]
    return made


@pytest.mark.slow
@pytest.mark.parametrize("case", METHODS)
def test_a_run_is_evaluated_as_it_was_reported(world: Path, tmp_path: Path, case: str) -> None:
    run = tmp_path / "run"
    code = little.start(run, recipe_of(world, tmp_path, *METHODS[case]))
    assert code in (0, 1), little.events(run, "exit")
    done = subprocess.run(
        [sys.executable, "-m", "tuner_tui", "eval", str(run), "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found, report = json.loads(done.stdout), little.report(run)
    for when in ("before", "after"):
        assert found[when]["score"] == pytest.approx(report[when]["score"], abs=1e-4), when
    assert found["before"]["label"] == ("rag" if "rag_ft" in report["label"] else "zero_shot")
