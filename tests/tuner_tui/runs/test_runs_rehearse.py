"""A rehearsal measures every stage on the longest rows, leaves nothing, and finds the smallest change that fits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advisor.recipe import recipe_from
from tuner_tui.runs.directory import RunDir, create_run, list_runs
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.supervisor import launch, wait

STAGES = ["load", "prepare", "forward", "backward", "optimizer", "evaluate", "save", "resume", "generate"]
STARVED = Path(__file__).with_name("starved.py")


@pytest.fixture
def raw(tmp_path: Path) -> dict[str, Any]:
    subprocess.run([sys.executable, str(Path(__file__).with_name("tiny.py")), str(tmp_path / "tiny")], check=True)
    return {
        "label": "ft/sft:lora",
        "model": {"id": str(tmp_path / "tiny" / "model")},
        "data": {"train": str(tmp_path / "tiny" / "sft.jsonl"), "eval": str(tmp_path / "tiny" / "sft.eval.jsonl")},
        "train": {"micro_batch": 6, "max_length": 64, "threads": 1},
        "evaluation": {"max_new_tokens": 4},
    }


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch", [6, 1], ids=["more rows than the file has", "fewer rows than the file has"])
def test_every_stage_is_measured_and_nothing_is_left(
    micro_batch: int, tmp_path: Path, home: Path, raw: dict[str, Any]
) -> None:
    raw["train"] |= {"micro_batch": micro_batch, "grad_accum": 1, "batching": "grouped"}
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(raw))
    command = [sys.executable, "-m", "tuner_tui", "rehearse", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [stage["name"] for stage in found["stages"]] == STAGES
    assert found["fits"] is True
    assert found["change"] is None
    assert found["peak_bytes"] == max(stage["peak_bytes"] for stage in found["stages"]) > 0
    assert not list_runs()
    assert not list((home / "rehearsals").iterdir())


@pytest.mark.slow
def test_what_does_not_fit_gets_the_smallest_change_that_does(raw: dict[str, Any], tmp_path: Path) -> None:
    run: RunDir = create_run(prepare(recipe_from(raw, "test"), "test"), root=tmp_path / "rehearsals")
    launch(run, command=[sys.executable, str(STARVED), str(run.path)], keep=())
    wait(run, 300)
    found = json.loads((run.path / "rehearsal.json").read_text())
    assert found["change"] == {"train.micro_batch": 1, "train.grad_accum": 6, "train.grad_ckpt": False}
