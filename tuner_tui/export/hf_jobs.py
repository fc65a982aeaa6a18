"""Hugging Face Jobs: the script says its dependencies, the data is mounted, the result goes to a private repository."""

from __future__ import annotations

from tuner_tui.export.bundle import bundle, local_model
from tuner_tui.export.concrete import beyond_script, without_gpu
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.script_text import needs

FLAVORS = {True: "cpu-upgrade", False: "a10g-small"}


def export(task: Task) -> Outcome:
    """Write `hf-jobs/`: the bundle, its script with its dependencies inside, and `submit.sh`."""
    checks = bundle(task, "hf-jobs")
    path = task.place.path / "hf-jobs" / "train.py"
    path.write_text(inline_metadata() + path.read_text(encoding="utf-8"), encoding="utf-8")
    task.place.write("hf-jobs/submit.sh", submit(task)).chmod(0o755)
    notes = [task.say("note.peer", folder="hf-jobs", command="sh submit.sh USER/RESULT"), *local_model(task)]
    return Outcome(checks=checks, notes=[*notes, task.say("note.leaves_machine")], unexpressed=beyond_script(task))


def inline_metadata() -> str:
    """The script's dependencies in the form that uv reads (PEP 723)."""
    lines = ["# /// script", '# requires-python = ">=3.11"', "# dependencies = ["]
    return "\n".join([*lines, *(f'#   "{need}",' for need in needs()), "# ]", "# ///", ""])


def submit(task: Task) -> str:
    """The submission: the bundle's folder is mounted where the script looks for it."""
    flavor = FLAVORS[without_gpu(task)]
    return f"""#!/bin/sh
# sh submit.sh USER/RESULT [more options of `hf jobs uv run`]; the trained model goes to the private model repository.
set -e
cd "$(dirname "$0")"
result="$1"
shift
exec hf jobs uv run --flavor {flavor} --secrets HF_TOKEN --env TRAIN_DIR=/ --volume ./data:/data "$@" \\
  train.py --out /tmp/out --push "$result"
"""
