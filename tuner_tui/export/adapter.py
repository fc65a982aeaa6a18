"""An adapter is a folder that plain peft loads; it is good when, loaded back, it answers as the run's model did."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from tuner_tui.export.card import card
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.proof import base_changed, prove

CONFIG = "adapter_config.json"


def export(task: Task) -> Outcome:
    """Copy the run's adapter with its tokenizer, add a model card, load it back and compare."""
    weights = task.source.weights()
    if not (weights / CONFIG).is_file():
        raise InputError("export.not_an_adapter", run=task.source.name, path=weights)
    folder = task.place.path / "adapter"
    shutil.copytree(weights, folder)
    task.place.write("adapter/README.md", card(task, "adapter"))
    checks = prove(task, lambda recipe, device: load(recipe, folder, device), folder)
    return Outcome(checks=checks, notes=[task.say("note.base", base=task.source.recipe.model.id), *base_changed(task)])


def load(recipe: Any, folder: Path, device: str) -> Any:
    """The base model as the run held it, with the exported adapter on top."""
    from peft import PeftModel

    from tuner_tui.training.model import load_model

    return PeftModel.from_pretrained(load_model(recipe, device), str(folder))
