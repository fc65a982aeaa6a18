"""TRL's own command line reads our YAML, and trains with it to the losses of our run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_runs import MakeRun, export, losses, recipe_of


def train_by_trl(folder: Path, command: str) -> list[float]:
    """Run `trl COMMAND --config trl.yaml` in the folder; the training losses in order."""
    trl = Path(sys.executable).with_name("trl")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    call = [str(trl), command, "--config", "trl.yaml"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    states = (folder / "output").glob("checkpoint-*/trainer_state.json")
    state = max(states, key=lambda path: int(path.parent.name.removeprefix("checkpoint-")))
    return [entry["loss"] for entry in json.loads(state.read_text())["log_history"] if "loss" in entry]


def test_trl_knows_every_key_and_what_it_lacks_is_listed(make_run: MakeRun, tmp_path: Path) -> None:
    code, said, words = export(make_run("ft/sft:lora"), "trl", tmp_path)
    assert code == 0, (said, words[-2000:])
    assert [check["id"] for check in said["checks"]] == ["trl_reads"]
    assert said["unexpressed"].keys() == {"evaluation"}
    written = yaml.safe_load((tmp_path / "trl" / "trl.yaml").read_text())
    assert (written["learning_rate"], written["lora_r"], written["warmup_steps"]) == (0.01, 4, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "data", "command"),
    [
        ("ft/sft:lora", "chats", "sft"),
        ("ft/sft:full", "pairs", "sft"),
        ("ft/dpo:lora", "prefs", "dpo"),
        ("ft/kto:lora", "likes", "kto"),
    ],
)
def test_trls_losses_are_the_runs_losses(
    make_run: MakeRun, tmp_path: Path, label: str, data: str, command: str
) -> None:
    run = make_run(label, data)
    code, said, words = export(run, "trl", tmp_path)
    assert code == 0, (said, words[-2000:])
    ours, theirs = losses(run), train_by_trl(tmp_path / "trl", command)
    assert len(ours) == len(theirs) == 12
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < 1e-4, (ours, theirs)


# What a random model says now and then, so that tries differ in what they earn.
TRIED: dict[str, Any] = {"generations": 4, "beta": 0.5, "reward.check": "regex", "reward.pattern": "[a-m]"}


@pytest.mark.slow
@pytest.mark.parametrize("label", ["ft/grpo:lora", "ft/grpo:full"])
def test_trls_rewards_and_losses_of_reinforcement_are_the_runs(make_run: MakeRun, tmp_path: Path, label: str) -> None:
    run = make_run(label, "chats", 6, numbers=TRIED)
    code, said, words = export(run, "trl", tmp_path)
    assert code == 0, (said, words[-2000:])
    assert [check["id"] for check in said["checks"]] == ["rewards", "trl_reads"]
    assert said["unexpressed"].keys() == {"train.max_length", "evaluation"}
    ours, theirs = losses(run), train_by_trl(tmp_path / "trl", "grpo")
    assert len(ours) == len(theirs) == 6
    assert any(abs(loss) > 1e-4 for loss in ours), "some tries earn more than others"
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < 1e-4, (ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("technique", ["lora", "full"])
def test_trl_trains_the_reward_model_and_then_the_answers(make_run: MakeRun, tmp_path: Path, technique: str) -> None:
    run = make_run(f"ft/rlhf_ppo:{technique}", "prefs", 4, numbers={"generations": 4})
    code, said, words = export(run, "trl", tmp_path)
    assert code == 0, (said, words[-2000:])
    assert [check["id"] for check in said["checks"]] == ["trl_reads", "trl_reads"]
    assert any("trl reward --config reward.yaml && trl rloo" in note for note in said["notes"])
    folder = tmp_path / "trl"
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    call = [str(Path(sys.executable).with_name("trl")), "reward", "--config", "reward.yaml"]
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    ours, theirs = losses(run), train_by_trl(folder, "rloo")
    assert len(ours) == len(theirs) == 4
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < 1e-3, (ours, theirs)


@pytest.mark.slow
def test_trl_learns_long_texts_to_their_end_as_the_run_did(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("ft/cpt:lora", "texts", numbers={"max_length": 16})
    code, said, words = export(run, "trl", tmp_path)
    assert code == 0, (said, words[-2000:])
    ours, theirs = losses(run), train_by_trl(tmp_path / "trl", "sft")
    assert len(ours) == len(theirs) == 12
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < 1e-4, (ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("data", ["chats", "texts"])
def test_trl_keeps_the_best_checkpoint_and_packs(make_run: MakeRun, tmp_path: Path, data: str) -> None:
    numbers: dict[str, Any] = {"eval_steps": 4, "save_steps": 4, "keep_best": True, "attention": "eager"}
    if data == "texts":
        numbers |= {"packing": True, "max_steps": None, "grad_accum": 1}
    run = make_run("ft/sft:lora" if data == "chats" else "ft/cpt:lora", data, numbers=numbers)
    code, said, words = export(run, "trl", tmp_path)
    assert (code, said["unexpressed"].keys()) == (0, {"evaluation"}), words[-2000:]
    ours, theirs = losses(run), train_by_trl(tmp_path / "trl", "sft")
    assert len(ours) == len(theirs) > 2
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < 1e-4, (ours, theirs)


def test_what_only_trls_own_order_says_is_listed(world: Path, tmp_path: Path) -> None:
    content = recipe_of(world, "ft/sft:lora", "chats", 12, {})
    content["train"] |= {"batching": "auto", "patience": 3, "keep_best": True, "eval_steps": 4, "save_steps": 6}
    content["train"] |= {"attention": "sdpa", "liger": False, "report_to": ["tensorboard"]}
    (tmp_path / "r.json").write_text(json.dumps(content))
    code, said, words = export(tmp_path / "r.json", "trl", tmp_path)
    assert code == 0, words[-2000:]
    assert said["unexpressed"].keys() == {"train.patience", "train.save_steps", "order", "evaluation"}
    written = yaml.safe_load((tmp_path / "trl" / "trl.yaml").read_text())
    wanted = {"train_sampling_strategy": "group_by_length", "attn_implementation": "sdpa", "use_liger_kernel": False}
    wanted |= {"load_best_model_at_end": True, "save_steps": 4, "report_to": ["tensorboard"]}
    assert {name: written.get(name) for name in wanted} == wanted
    assert written["env"] == {"OMP_NUM_THREADS": "1"}
    assert written["bf16"], "no facts say that the machine has no GPU"


@pytest.mark.slow
def test_an_objective_that_trl_has_no_command_for_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    code, _, words = export(make_run("ft/orpo:lora", "prefs"), "trl", tmp_path / "out")
    assert code == 2
    assert "ft/orpo:lora" in words
    assert not (tmp_path / "out").exists()
