"""The same promises with the real training child on a tiny real model: run, watch, stop, kill, resume."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner_tui.runs.directory import RunDir, list_runs
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.identity import alive, send
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.watch import glance

Until = Callable[[Callable[[], object]], None]
RECIPE = """
label: {label}
name: tiny
model: {{id: model}}
data: {{train: {data}.jsonl, eval: {data}.eval.jsonl}}
adapter: {{rank: 8, alpha: 16, dropout: 0.1}}
train: {{max_steps: 12, learning_rate: 0.01, micro_batch: 6, max_length: 64, save_steps: 4, eval_steps: 4, threads: 1}}
evaluation: {{metric: loss, max_items: 6, samples: 1, max_new_tokens: 4}}
"""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model and its data."""
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, str(Path(__file__).with_name("tiny.py")), str(folder)], check=True)
    return folder


def recipe_for(folder: Path, label: str = "ft/sft:lora") -> str:
    data = "sft" if "/sft" in label else "dpo"
    path = folder / f"{label.replace('/', '-').replace(':', '-')}.yaml"
    path.write_text(RECIPE.format(label=label, data=data))
    return str(path)


def tuner(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tuner_tui", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=1500)


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def losses(run: RunDir) -> dict[int, float]:
    """The last loss told of each step; a step told twice was done again after a kill."""
    return {event["step"]: event["loss"] for event in Follower(run.events_path).poll(100_000) if event["t"] == "step"}


def weights(run: RunDir) -> bytes:
    folder = run.adapter if run.adapter.exists() else run.model
    return next(folder.glob("*.safetensors")).read_bytes()


def kill(run: RunDir) -> None:
    info = run.info()
    assert info is not None
    assert info.identity is not None
    send(info.identity, signal.SIGKILL)


def test_a_real_run_ends_with_a_checked_claim(tiny: Path) -> None:
    done = tuner("run", recipe_for(tiny), "--json")
    assert done.returncode == 0, done.stderr
    found = document(done)
    assert found["state"] == "finished"
    report = found["report"]
    assert report["success"] is True
    assert report["after"]["loss"] < report["before"]["loss"]
    assert {"steps", "finite", "score"} <= {check["id"] for check in report["checks"]}
    assert Path(found["dir"], "adapter", "adapter_model.safetensors").exists()


@pytest.mark.slow
def test_a_real_run_that_learns_nothing_is_no_success(tiny: Path) -> None:
    done = tuner("run", recipe_for(tiny), "--set", "train.learning_rate=1e-12", "--set", "train.max_steps=2")
    assert done.returncode == 1
    assert document(done)["state"] == "finished"
    assert document(done)["report"]["success"] is False
    assert "did not succeed" in done.stderr


@pytest.mark.slow
def test_a_real_run_that_is_stopped_and_resumed_ends_as_if_never_stopped(tiny: Path, until: Until) -> None:
    whole = tuner("run", recipe_for(tiny), "--set", "train.max_steps=400")
    assert whole.returncode == 0, whole.stderr
    tuner("run", recipe_for(tiny), "--set", "train.max_steps=400", "--detach")
    first, again = list_runs()[1], list_runs()[0]
    until(lambda: glance(again).step > 5)
    assert tuner("stop", again.id).returncode == 0
    assert state_of(again) is RunState.STOPPED
    assert glance(again).checkpoints
    done = tuner("resume", again.id)
    assert done.returncode == 0, done.stderr
    assert losses(again) == losses(first)
    assert weights(again) == weights(first)


@pytest.mark.slow
def test_a_real_run_killed_in_the_middle_is_crashed_then_resumes_to_the_same_end(tiny: Path, until: Until) -> None:
    tuner("run", recipe_for(tiny), "--detach", "--set", "train.max_steps=300", "--set", "train.save_steps=20")
    run = list_runs()[0]
    until(lambda: glance(run).step > 30)
    kill(run)
    info = run.info()
    until(lambda: info is not None and info.identity is not None and not alive(info.identity))
    listed = json.loads(tuner("runs", "--json").stdout)[0]
    assert (listed["id"], listed["state"]) == (run.id, "crashed")
    assert "did not say why" in tuner("watch", run.id).stderr
    assert tuner("resume", run.id).returncode == 0
    whole = tuner("run", recipe_for(tiny), "--set", "train.max_steps=300", "--set", "train.save_steps=20")
    assert whole.returncode == 0
    assert losses(run) == losses(list_runs()[0])
    assert weights(run) == weights(list_runs()[0])


@pytest.mark.slow
def test_a_changed_recipe_is_not_resumed(tiny: Path, until: Until) -> None:
    tuner("run", recipe_for(tiny), "--detach", "--set", "train.max_steps=400")
    run = list_runs()[0]
    until(lambda: glance(run).step > 5)
    tuner("stop", run.id)
    run.recipe_path.write_text(run.recipe_path.read_text().replace("learning_rate: 0.01", "learning_rate: 0.02"))
    done = tuner("resume", run.id)
    assert done.returncode == 2
    assert "recipe" in done.stderr
