"""A folder ready for a model hub: the result with its card, and the one command that sends it. Nothing is sent here."""

from __future__ import annotations

from advisor.methods import Technique
from tuner_tui.export import adapter, merged
from tuner_tui.export.outcome import Outcome, Task

SEND = """#!/bin/sh
# sh send.sh USER/NAME [--private]: makes the repository and uploads this folder's `files/` (needs: hf auth login).
set -e
cd "$(dirname "$0")"
name="$1"
shift
hf repos create "$name" --exist-ok "$@"
hf upload "$name" files .
"""


def export(task: Task) -> Outcome:
    """Write `hub/files/` (the adapter, or the model where all weights were tuned) and `hub/send.sh`."""
    full = task.source.recipe.parsed_label.technique is Technique.FULL
    made = "merged" if full else "adapter"
    outcome = (merged if full else adapter).export(task)
    folder = task.place.path / "hub"
    folder.mkdir()
    (task.place.path / made).rename(folder / "files")
    task.place.write("hub/send.sh", SEND).chmod(0o755)
    notes = [task.say("note.hub"), *outcome.notes]
    base = task.source.file(task.source.recipe.model.id)
    if base.is_dir():
        notes.append(task.say("note.base_is_local", path=base))
    return Outcome(checks=outcome.checks, notes=notes)
