"""A notebook that runs from top to bottom: the script's own pieces as cells, the steps one by one."""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path
from typing import Any

from tuner_tui.export.bundle import copy_data, local_model
from tuner_tui.export.concrete import beyond_script
from tuner_tui.export.outcome import Check, Outcome, Task
from tuner_tui.export.rows import as_learned
from tuner_tui.export.script_text import import_block, joined, needs, parts
from tuner_tui.export.settings import settings
from tuner_tui.export.trl_script import pieces_of


def export(task: Task) -> Outcome:
    """Write `notebook/train.ipynb` and its data."""
    pieces = [name for name in pieces_of(task) if name != "main"]
    task, _ = as_learned(task, "notebook/")
    copy_data(task, "notebook")
    book = notebook(cells(task, pieces))
    path = task.place.write("notebook/train.ipynb", json.dumps(book, ensure_ascii=False, indent=1) + "\n")
    return Outcome(
        checks=[parses(task, path)],
        notes=[task.say("note.notebook"), *local_model(task)],
        unexpressed=beyond_script(task),
    )


def cells(task: Task, pieces: list[str]) -> list[tuple[str, str]]:
    """(kind, text) of every cell."""
    imports, bodies = joined(pieces)
    steps = parts((Path(__file__).parent / "pieces" / "steps.py").read_text(encoding="utf-8"))
    wanted = import_block([*imports, *steps[0]])
    found = [
        ("markdown", f"# {task.source.name}\n\n{task.say('notebook.about', label=task.source.recipe.label)}"),
        ("code", f"%pip install -q {' '.join(needs())}"),
        ("markdown", f"## {task.say('notebook.settings')}"),
        ("code", f"{wanted}\n\n{settings(task.source, 'Path.cwd()', bundled=True)}"),
        ("markdown", f"## {task.say('notebook.pieces')}"),
        *(("code", body) for body in bodies),
    ]
    for step in steps[1].split("# %% ")[1:]:
        title, _, code = step.partition("\n")
        found += [("markdown", f"## {task.say('notebook.' + title.lower().replace(' ', '_'))}"), ("code", code.strip())]
    return found


def notebook(cells: list[tuple[str, str]]) -> dict[str, Any]:
    """The notebook in format 4.5; a cell's id is the hash of its text, so that the same recipe gives the same file."""
    made = []
    for number, (kind, text) in enumerate(cells):
        cell: dict[str, Any] = {
            "cell_type": kind,
            "id": hashlib.sha256(f"{number}{text}".encode()).hexdigest()[:12],
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        made.append(cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, "accelerator": "GPU"}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def parses(task: Task, path: Path) -> Check:
    """Every code cell is valid Python, read back from the file."""
    book = json.loads(path.read_text(encoding="utf-8"))
    codes = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    try:
        for code in codes:
            ast.parse("" if code.startswith("%") else code)
    except SyntaxError as error:
        return task.check("cells_parse", False, cells=len(codes), detail=str(error)[:200])
    return task.check("cells_parse", True, cells=len(codes), detail="")
