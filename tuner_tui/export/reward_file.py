"""What earns a reward, as one Python file that TRL and Axolotl import from the folder they train in."""

from __future__ import annotations

from pathlib import Path

from advisor.errors import InputError
from advisor.recipe import Check
from tuner_tui.export.outcome import Check as Tried
from tuner_tui.export.outcome import Task
from tuner_tui.export.script_text import import_block, joined
from tuner_tui.export.settings import literal, rewards

ROWS = '''

def rows(cfg, *args, **kwargs):
    """Axolotl's form of a row: it is one already."""
    return lambda example, tokenizer=None: example
'''


def write_rewards(task: Task, folder: str) -> Tried:
    """Write `FOLDER/rewards.py`, with the file of one's own function beside it; InputError for a JSON Schema."""
    refuse_schema(task)
    reward = task.source.recipe.reward
    if reward.check is Check.PYTHON:
        own = (reward.python or "").rpartition(":")[0]
        task.place.write(f"{folder}/data/{Path(own).name}", task.source.file(own).read_bytes())
    imports, bodies = joined(["rewards"])
    named = [f"{name} = {literal(value)}" for name, (value, _) in rewards(task.source, True).items()]
    here = "HERE = Path(__file__).resolve().parent"
    head = "\n".join(['"""What an answer earns, written by tuner."""', "", import_block(imports), "", here, *named])
    text = "\n\n\n".join([head, *bodies]) + "\n" + (ROWS if folder == "axolotl" else "")
    path = task.place.write(f"{folder}/rewards.py", text)
    return earns(task, path)


def refuse_schema(task: Task) -> None:
    """InputError where only tuner's own validator can tell a right answer."""
    if task.source.recipe.reward.schema:
        raise InputError("export.beyond", path=task.source.path, key="reward.schema")


def earns(task: Task, path: Path) -> Tried:
    """In the file's own words the wanted answers of some rows earn what they earn here."""
    import importlib.util
    from typing import Any

    from tuner_tui.evaluation.rewards import rewards as ours
    from tuner_tui.export.rows import rows_of

    some = rows_of(task).train[:8]
    asked, wanted = [each.question for each in some], [each.completion for each in some]
    spec: Any = importlib.util.spec_from_file_location("written_rewards", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tried = [*wanted, *reversed(wanted)]
    got = module.earned([*asked, *asked], tried, [*wanted, *wanted])
    same = got == ours(task.source.recipe.reward, [*asked, *asked], tried, [*wanted, *wanted])
    return task.check("rewards", same, rows=len(some))
