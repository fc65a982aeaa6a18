"""Curves go to the viewers that the recipe names, into the run; what is not installed is said before training."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import InputError
from advisor.recipe import Recipe, recipe_from
from tuner_tui import paths
from tuner_tui.runs.spawn import child_environment
from tuner_tui.training import trackers


def recipe_with(report_to: list[str], **more: Any) -> Recipe:
    content = {"label": "ft/sft:lora", "model": {"id": "m"}, "data": {"train": "d.jsonl"}, **more}
    return recipe_from({**content, "train": {"report_to": report_to}}, "r")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "_found", lambda name: True)


def test_a_tracker_that_is_not_installed_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers, "_found", lambda name: name != "mlflow")
    with pytest.raises(InputError) as caught:
        trackers.settle(recipe_with(["tensorboard", "mlflow"]), tmp_path)
    assert "pip install mlflow" in caught.value.text("en")
    assert not (tmp_path / "trackers").exists()


@pytest.mark.usefixtures("installed")
def test_trackers_write_into_the_run_and_send_nothing_by_themselves(tmp_path: Path) -> None:
    trackers.settle(recipe_with(["tensorboard", "wandb", "mlflow", "trackio"]), tmp_path)
    assert os.environ["TENSORBOARD_LOGGING_DIR"] == str(tmp_path / "trackers" / "tensorboard")
    assert os.environ["MLFLOW_TRACKING_URI"].startswith(f"sqlite:///{tmp_path}")
    assert os.environ["WANDB_MODE"] == "offline"


@pytest.mark.usefixtures("installed")
def test_what_the_user_set_stands_except_where_privacy_forbids_sending(tmp_path: Path) -> None:
    os.environ.update(WANDB_MODE="online", TRACKIO_SPACE_ID="me/space", MLFLOW_TRACKING_URI="http://in-house")
    trackers.settle(recipe_with(["wandb"]), tmp_path)
    assert (os.environ["WANDB_MODE"], os.environ["TRACKIO_SPACE_ID"]) == ("online", "me/space")
    trackers.settle(recipe_with(["wandb"], facts={"constraints": {"privacy": "on_prem"}}), tmp_path)
    assert os.environ["WANDB_MODE"] == "offline"
    assert "TRACKIO_SPACE_ID" not in os.environ
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://in-house"


def test_the_training_process_gets_the_trackers_variables() -> None:
    assert child_environment({"WANDB_MODE": "offline", "SECRET": "x"})["WANDB_MODE"] == "offline"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tracker", "written"),
    [
        ("tensorboard", "tensorboard/**/events.out.tfevents.*"),
        ("wandb", "wandb/offline-run-*/run-*.wandb"),
        ("mlflow", "mlflow.db"),
        ("trackio", "trackio/**/*.db"),
    ],
)
def test_a_real_run_is_tracked_in_its_own_folder(tmp_path: Path, tracker: str, written: str) -> None:
    """Offline, each tracker by its own library, where it is installed."""
    pytest.importorskip(tracker)
    rows = [{"instruction": f"What is {n}?", "output": str(n)} for n in range(16)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = {
        "label": "ft/sft:lora",
        "model": {"id": str(paths.samples() / "model")},
        "data": {"train": str(tmp_path / "rows.jsonl"), "eval_fraction": 0.25},
        "train": {"max_steps": 3, "micro_batch": 4, "threads": 1, "report_to": [tracker]},
        "evaluation": {"max_new_tokens": 4, "samples": 1},
    }
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").write_text(json.dumps(recipe))
    env = {**os.environ, "TUNER_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-m", "tuner_tui.training", str(run)], env=env, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    found = [path for path in (run / "trackers").glob(written) if path.stat().st_size > 0]
    assert found, sorted(run.rglob("*"))
    if tracker == "mlflow":
        import sqlite3

        with sqlite3.connect(found[0]) as store:
            named = {name for (name,) in store.execute("select distinct key from metrics")}
        assert {"loss", "eval_loss"} <= named


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="it is installed")
def test_no_tracker_is_a_part_of_the_installation() -> None:
    assert not trackers._found("tensorboard")
