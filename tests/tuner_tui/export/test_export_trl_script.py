"""The stand-alone script really trains, without tuner, and its losses are our run's losses."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import MakeRun, export, losses, recipe_of

DIFFERENCE = 1e-4


def run_script(script: Path, out: Path) -> list[float]:
    """Run it isolated in another folder; its training losses in order."""
    run_alone(script, out)
    log = json.loads((out / "log.json").read_text())
    return [entry["loss"] for entry in log if "loss" in entry]


def run_alone(script: Path, out: Path) -> str:
    """Run it isolated; what it prints."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-I", str(script), "--out", str(out)], capture_output=True, text=True, cwd="/", env=env
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def weights(folder: Path) -> dict[str, Any]:
    """The tensors of a folder with one file of them: an adapter's, or a whole model's."""
    from safetensors.torch import load_file

    [file] = folder.glob("*.safetensors")
    return dict(load_file(file))


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


TRIED: dict[str, Any] = {"generations": 4, "beta": 0.5, "reward.check": "regex", "reward.pattern": "[a-m]"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "data", "numbers"),
    [
        ("ft/grpo:lora", "chats", TRIED),
        ("ft/rlhf_ppo:lora", "prefs", {"generations": 4}),
        ("ft/rlhf_ppo:full", "prefs", {"generations": 4}),
        ("ft/rlhf_ppo:lora", "prefs", {"generations": 4, "reward.train": {"epochs": 2.0, "learning_rate": 0.02}}),
        ("ft/cpt:lora", "texts", {"max_length": 16}),
        ("ft/sft:lora", "chats", {"data.replay": "pairs.jsonl", "data.replay_share": 0.5}),
    ],
    ids=["grpo", "rlhf", "rlhf-full", "rlhf-own", "long", "replay"],
)
def test_what_feeds_the_training_feeds_the_script(
    make_run: MakeRun, world: Path, tmp_path: Path, label: str, data: str, numbers: dict[str, Any]
) -> None:
    """Tries that earn, a reward model, long texts, earlier data that is mixed in."""
    numbers = {key: str(world / value) if key == "data.replay" else value for key, value in numbers.items()}
    run = make_run(label, data, 6, numbers=numbers)
    code, said, words = export(run, "trl-script", tmp_path)
    assert code == 0, (said, words[-2000:])
    ours, theirs = losses(run), run_script(tmp_path / "train.py", tmp_path / "out")
    assert len(ours) == len(theirs) == 6
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < DIFFERENCE, (ours, theirs)
    # The loss of reinforcement is near 0 where tries are compared with each other: what was learned says more.
    whole, before = label.endswith("full"), weights(world / "model")
    kept, found = weights(run / ("model" if whole else "adapter")), weights(tmp_path / "out")
    assert kept.keys() == found.keys()
    assert max(float((kept[name] - found[name]).abs().max()) for name in kept) < DIFFERENCE
    moved = ((kept[name] - before[name]).abs().max() if whole else kept[name].abs().max() for name in kept)
    assert max(map(float, moved)) > DIFFERENCE


@pytest.mark.slow
@pytest.mark.parametrize("technique", ["lora", "full"])
def test_a_chain_is_as_many_scripts_that_go_on_where_the_last_ended(
    make_run: MakeRun, world: Path, tmp_path: Path, technique: str
) -> None:
    stages = [
        {"objective": "sft", "data": {"train": str(world / "chats.jsonl"), "eval_fraction": 0.25}},
        {"objective": "dpo", "data": {"train": str(world / "prefs.jsonl"), "eval_fraction": 0.25}},
    ]
    run = make_run(f"ft/sft>dpo:{technique}", "prefs", 4, numbers={"stages": stages})
    code, said, words = export(run, "trl-script", tmp_path)
    assert code == 0, (said, words[-2000:])
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(["sh", tmp_path / "chain" / "run.sh"], capture_output=True, text=True, cwd="/", env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    logs = [json.loads((tmp_path / "chain" / name / "out" / "log.json").read_text()) for name in ("1-sft", "2-dpo")]
    theirs = [entry["loss"] for log in logs for entry in log if "loss" in entry]
    ours = losses(run)
    assert len(ours) == len(theirs) == 8
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < DIFFERENCE, (ours, theirs)


@pytest.mark.slow
def test_a_teachers_answers_are_exported_from_the_run_that_asked(
    make_run: MakeRun, world: Path, tmp_path: Path
) -> None:
    asked = [{"prompt": f"What colour is item {n}?"} for n in range(24)]
    (world / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    teacher = {"teacher": {"model": str(world / "model"), "max_tokens": 8}}
    run = make_run("ft/distill:lora", "asked", 4, numbers={f"teacher.{k}": v for k, v in teacher["teacher"].items()})
    code, said, words = export(run, "trl-script", tmp_path)
    assert code == 0, (said, words[-2000:])
    ours, theirs = losses(run), run_script(tmp_path / "train.py", tmp_path / "out")
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < DIFFERENCE, (ours, theirs)
    code, _, words = export(run, "openai", tmp_path / "hosted")
    assert code == 0, words
    shutil.copy(run / "recipe.yaml", tmp_path / "alone.yaml")
    code, _, words = export(tmp_path / "alone.yaml", "trl-script", tmp_path / "none")
    assert (code, "[training.untaught]" in words) == (2, True), words


@pytest.mark.slow
def test_rows_below_retrieved_passages_are_exported_with_them(make_run: MakeRun, world: Path, tmp_path: Path) -> None:
    (world / "docs").mkdir(exist_ok=True)
    for n in range(6):
        (world / "docs" / f"{n}.md").write_text(f"# Item {n}\n\nItem {n} is as blue as the sky is on day {n}.\n")
    numbers = {"data.docs": str(world / "docs"), "retrieval.passages": 1, "retrieval.chunk_tokens": 64}
    run = make_run("rag_ft/domain_qa:lora", "chats", 4, numbers=numbers)
    code, said, words = export(run, "trl-script", tmp_path)
    assert code == 0, (said, words[-2000:])
    ours, theirs = losses(run), run_script(tmp_path / "train.py", tmp_path / "out")
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < DIFFERENCE, (ours, theirs)
    assert "as blue as the sky" in (tmp_path / "data" / "train.jsonl").read_text()


CONDUCT: dict[str, Any] = {"batching": "auto", "eval_steps": 2, "save_steps": 5, "patience": 2, "keep_best": True}


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
