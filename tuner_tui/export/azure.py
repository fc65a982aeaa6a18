"""Azure OpenAI takes OpenAI's rows with a byte-order mark, which other services refuse."""

from __future__ import annotations

from tuner_tui.export.openai import written
from tuner_tui.export.outcome import Outcome, Task


def export(task: Task) -> Outcome:
    """Write `azure/train.jsonl`, `azure/validation.jsonl` and the job's body."""
    outcome = written(task, "azure")
    return Outcome(checks=outcome.checks, notes=[task.say("note.azure_bom")], unexpressed=outcome.unexpressed)
