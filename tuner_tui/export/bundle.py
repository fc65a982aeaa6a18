"""A folder that trains anywhere: the stand-alone script, its data, the versions, and no data path of this machine."""

from __future__ import annotations

from advisor.recipe import Check
from tuner_tui.export.outcome import Check as Tried
from tuner_tui.export.outcome import Task
from tuner_tui.export.rows import as_learned
from tuner_tui.export.script_text import needs, script
from tuner_tui.export.settings import data_file
from tuner_tui.export.trl_script import pieces_of, reads_the_same


def bundle(task: Task, folder: str) -> list[Tried]:
    """Write `train.py`, `requirements.txt` and `data/` into `folder`; the script must read the same rows there."""
    pieces = pieces_of(task)
    task, _ = as_learned(task, f"{folder}/")
    copy_data(task, folder)
    task.place.write(f"{folder}/requirements.txt", "\n".join(needs()) + "\n")
    path = task.place.write(f"{folder}/train.py", script(task, pieces, bundled=True))
    return [reads_the_same(task, path)]


def copy_data(task: Task, folder: str) -> None:
    """The recipe's data files, and the file of its own reward function, as they are."""
    data, reward = task.source.recipe.data, task.source.recipe.reward
    own = [(reward.python or "").rpartition(":")[0]] if reward.check is Check.PYTHON else []
    for name in (data.train, data.eval, *own):
        if name is not None:
            task.place.write(f"{folder}/{data_file(task.source, name, True)}", task.source.file(name).read_bytes())


def local_model(task: Task) -> list[str]:
    """A note when the model is a folder of this machine, which the other one does not have."""
    folder = task.source.file(task.source.recipe.model.id)
    return [task.say("note.model_stays", path=folder)] if folder.is_dir() else []
