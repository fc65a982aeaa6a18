"""Training curves for other people's viewers: into the run's folder, and away from this machine only when asked to.

Where a tracker writes is decided by its own environment variables; those that are not set point into the run. Under
privacy on_prem nothing goes to a tracker's own service, whatever they say.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.facts import Privacy
from advisor.recipe import Recipe, Tracker
from tuner_tui.training.job import Job

PROJECT = "tuner"
LIBRARIES = {
    Tracker.TENSORBOARD: "tensorboard",
    Tracker.WANDB: "wandb",
    Tracker.MLFLOW: "mlflow",
    Tracker.TRACKIO: "trackio",
}


def arguments(job: Job) -> dict[str, Any]:
    """What TRL configurations say about trackers; only the first of several processes reports."""
    wanted = job.recipe.train.report_to
    if not wanted:
        return {"report_to": "none"}
    return {"report_to": [str(tracker) for tracker in wanted], "run_name": job.run.id, "project": PROJECT}


def settle(recipe: Recipe, run: Path) -> None:
    """InputError when a tracker is not installed; else the variables that it will read, before it is imported."""
    missing = [name for tracker in recipe.train.report_to if not _found(name := LIBRARIES[tracker])]
    if missing:
        raise InputError("training.trackers", missing=", ".join(missing), names=" ".join(missing))
    if recipe.train.report_to:
        (run / "trackers").mkdir(exist_ok=True)
    for name, value in _places(run).items():
        os.environ.setdefault(name, value)
    if "WANDB_API_KEY" not in os.environ:
        os.environ.setdefault("WANDB_MODE", "offline")
    if recipe.facts is not None and recipe.facts.constraints.privacy is Privacy.ON_PREM:
        os.environ["WANDB_MODE"] = "offline"
        os.environ.pop("TRACKIO_SPACE_ID", None)


def _found(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _places(run: Path) -> dict[str, str]:
    folder = run / "trackers"
    return {
        "TENSORBOARD_LOGGING_DIR": str(folder / "tensorboard"),
        "WANDB_DIR": str(folder),
        "WANDB_PROJECT": PROJECT,
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_EXPERIMENT_NAME": PROJECT,
        "TRACKIO_DIR": str(folder / "trackio"),
    }
