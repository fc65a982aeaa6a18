"""The stand-alone script really trains, without tuner, and its losses are our run's losses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


CONDUCT: dict[str, Any] = {"batching": "auto", "eval_steps": 2, "save_steps": 5, "patience": 2, "keep_best": True}


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter_model.safetensors"))


@pytest.mark.slow
def test_the_script_groups_ends_and_keeps_as_our_runs_do(make_run: MakeRun, tmp_path: Path) -> None:
    """Rows of like length together, an early end, the best checkpoint: what every planned recipe asks for."""
    run = make_run("ft/sft:lora", "chats", 60, numbers={**CONDUCT, "save_steps": 2, "learning_rate": 0.2})
    code, said, words = export(run, "trl-script", tmp_path)
    assert (code, said["unexpressed"]) == (0, {}), words[-2000:]
    ours, theirs = losses(run), run_script(tmp_path / "train.py", tmp_path / "out")
    assert len(ours) == len(theirs) < 60, "the training ends early"
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < DIFFERENCE, (ours, theirs)
    kept, found = weights(run / "adapter"), weights(tmp_path / "out")
    assert kept.keys() == found.keys()
    assert max(float((kept[name] - found[name]).abs().max()) for name in kept) < DIFFERENCE


@pytest.mark.slow
def test_packed_texts_follow_the_schedule_of_the_packed_rows(make_run: MakeRun, tmp_path: Path) -> None:
    numbers = {"packing": True, "max_steps": None, "epochs": 3.0, "grad_accum": 1}
    run = make_run("ft/cpt:lora", "texts", numbers=numbers)
    code, _, words = export(run, "trl-script", tmp_path)
    assert code == 0, words[-2000:]
    ours, theirs = losses(run), run_script(tmp_path / "train.py", tmp_path / "out")
    assert len(ours) == len(theirs) > 2
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < DIFFERENCE, (ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["trl-script", "notebook", "slurm"])
def test_what_the_script_does_not_do_is_listed(world: Path, tmp_path: Path, target: str) -> None:
    content = recipe_of(world, "ft/sft:lora", "chats", 12, {})
    content["train"] |= {"batching": "grouped", "patience": 3, "keep_best": True, "report_to": ["wandb"]}
    content["launch"] = {"processes": 2}
    (tmp_path / "r.json").write_text(json.dumps(content))
    code, said, words = export(tmp_path / "r.json", target, tmp_path / "out")
    assert code == 0, (said, words[-2000:])
    assert said["unexpressed"].keys() == {"launch.processes", "launch.nodes", "launch.strategy"}
    (tmp_path / "r.json").write_text(json.dumps(recipe_of(world, "ft/sft:lora", "chats", 12, {})))
    code, said, _ = export(tmp_path / "r.json", target, tmp_path / "out", "--overwrite")
    assert (code, said["unexpressed"]) == (0, {})
