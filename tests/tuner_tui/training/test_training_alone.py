"""Each objective's file trains by a recipe on its own, and leaves a run like any other."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import little
import pytest
import yaml

from advisor.methods import Objective
from tuner_tui.training.methods import FILES

DATA = {
    Objective.CPT: ("text", "loss"),
    Objective.DPO: ("preference", "preference_accuracy"),
    Objective.ORPO: ("preference", "preference_accuracy"),
    Objective.RLHF_PPO: ("preference", "preference_accuracy"),
    Objective.KTO: ("feedback", "preference_accuracy"),
    Objective.GRPO: ("checkable", "exact_match"),
}


def written(world: Path, folder: Path, objective: Objective, **changes: Any) -> Path:
    kind, metric = DATA.get(objective, ("pairs", "loss"))
    made = little.recipe(
        world, f"ft/{objective}:lora", kind, metric, train__max_steps=2, train__generations=4, **changes
    )
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")
    return path


def alone(objective: Objective, *args: str) -> subprocess.CompletedProcess[str]:
    module = f"tuner_tui.training.{FILES[objective]}"
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-m", module, *args], capture_output=True, text=True, env=environ)


@pytest.mark.slow
@pytest.mark.parametrize("objective", list(FILES))
def test_the_file_of_an_objective_trains_by_a_recipe(world: Path, tmp_path: Path, objective: Objective) -> None:
    done = alone(objective, str(written(world, tmp_path, objective)), "--set", "train.learning_rate=0.001")
    assert done.returncode in (0, 1), done.stderr[-2000:]  # two steps need not raise the score
    (run,) = (Path(os.environ["TUNER_HOME"]) / "runs").iterdir()
    assert little.report(run)["steps"] == 2
    assert (run / "adapter").is_dir()
    assert little.events(run, "exit")[0]["reason"] == "done"
    assert "2" in done.stderr


def test_every_objective_has_a_file_that_runs_alone() -> None:
    assert set(FILES) == set(Objective)
    for objective, name in FILES.items():
        text = (Path(little.__file__).parents[3] / "tuner_tui" / "training" / f"{name}.py").read_text(encoding="utf-8")
        assert f"alone(Objective.{objective.name})" in text, name


def test_a_recipe_of_another_objective_is_refused_with_exit_code_2(world: Path, tmp_path: Path) -> None:
    done = alone(Objective.DPO, str(written(world, tmp_path, Objective.SFT)))
    assert done.returncode == 2
    assert "training.other_objective" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_run_that_was_stopped_is_gone_on_with(world: Path, tmp_path: Path) -> None:
    path = written(world, tmp_path, Objective.SFT, train__save_steps=1)
    done = alone(Objective.SFT, str(path), "--no-rehearsal")
    (run,) = (Path(os.environ["TUNER_HOME"]) / "runs").iterdir()
    assert done.returncode in (0, 1), done.stderr[-2000:]
    again = alone(Objective.SFT, str(run), "--resume")
    assert again.returncode in (0, 1), again.stderr[-2000:]
    assert [event["resumed"] for event in little.events(run, "start")] == [False, True]
