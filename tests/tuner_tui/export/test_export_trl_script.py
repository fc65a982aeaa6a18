"""The stand-alone script really trains, without tuner, and its losses are our run's losses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import MakeRun, export, losses, recipe_of

DIFFERENCE = 1e-4


def run_script(script: Path, out: Path) -> list[float]:
    """Run it isolated in another folder; its training losses in order."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-I", str(script), "--out", str(out)], capture_output=True, text=True, cwd="/", env=env
    )
    assert done.returncode == 0, done.stderr[-3000:]
    log = json.loads((out / "log.json").read_text())
    return [entry["loss"] for entry in log if "loss" in entry]


@pytest.mark.parametrize(
    ("label", "data"),
    [
        ("ft/sft:lora", "chats"),
        pytest.param("ft/sft:qlora", "pairs", marks=pytest.mark.slow),
        pytest.param("ft/sft:full", "pairs", marks=pytest.mark.slow),
        pytest.param("ft/dpo:lora", "prefs", marks=pytest.mark.slow),
        pytest.param("ft/orpo:lora", "prefs", marks=pytest.mark.slow),
        pytest.param("ft/kto:lora", "likes", marks=pytest.mark.slow),
        pytest.param("ft/cpt:full", "texts", marks=pytest.mark.slow),
        pytest.param("ft/sft:prompt", "chats", marks=pytest.mark.slow),
    ],
)
def test_the_scripts_losses_are_the_runs_losses(make_run: MakeRun, tmp_path: Path, label: str, data: str) -> None:
    run = make_run(label, data)
    code, said, words = export(run, "trl-script", tmp_path)
    assert code == 0, (said, words[-2000:])
    ours, theirs = losses(run), run_script(tmp_path / "train.py", tmp_path / "out")
    assert len(ours) == len(theirs) == 12
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < DIFFERENCE, (ours, theirs)
    assert any(path.name.endswith(".safetensors") for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize("target", ["trl-script", "notebook", "slurm"])
def test_what_the_script_does_not_do_is_listed(world: Path, tmp_path: Path, target: str) -> None:
    content = recipe_of(world, "ft/sft:lora", "chats", 12, {})
    content["train"] |= {"batching": "grouped", "patience": 3, "keep_best": True, "report_to": ["wandb"]}
    content["launch"] = {"processes": 2}
    (tmp_path / "r.json").write_text(json.dumps(content))
    code, said, words = export(tmp_path / "r.json", target, tmp_path / "out")
    assert code == 0, (said, words[-2000:])
    wanted = {"train.batching", "train.patience", "train.keep_best", "train.report_to"}
    assert wanted | {"launch.processes"} <= said["unexpressed"].keys()
    assert not {"train.learning_rate", "train.attention"} & said["unexpressed"].keys()
    (tmp_path / "r.json").write_text(json.dumps(recipe_of(world, "ft/sft:lora", "chats", 12, {})))
    code, said, _ = export(tmp_path / "r.json", target, tmp_path / "out", "--overwrite")
    assert (code, said["unexpressed"]) == (0, {})
