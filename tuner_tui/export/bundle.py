"""A folder that trains anywhere: the stand-alone script, its data, the versions, and no data path of this machine."""

from __future__ import annotations

from pathlib import Path

from tuner_tui.export.outcome import Check, Task
from tuner_tui.export.script_text import needs, script
from tuner_tui.export.trl_script import pieces_of, reads_the_same


def bundle(task: Task, folder: str) -> list[Check]:
    """Write `train.py`, `requirements.txt` and `data/` into `folder`; the script must read the same rows there."""
    pieces = pieces_of(task)
    copy_data(task, folder)
    task.place.write(f"{folder}/requirements.txt", "\n".join(needs()) + "\n")
    path = task.place.write(f"{folder}/train.py", script(task, pieces, bundled=True))
    return [reads_the_same(task, path)]


def copy_data(task: Task, folder: str) -> None:
    """The recipe's data files, as they are."""
    data = task.source.recipe.data
    for name in (data.train, data.eval):
        if name is not None:
            task.place.write(f"{folder}/data/{Path(name).name}", task.source.file(name).read_bytes())


def local_model(task: Task) -> list[str]:
    """A note when the model is a folder of this machine, which the other one does not have."""
    folder = task.source.file(task.source.recipe.model.id)
    return [task.say("note.model_stays", path=folder)] if folder.is_dir() else []
