"""Files for other people's tools: numbers that every YAML reader reads as numbers, and what to type."""

from __future__ import annotations

import importlib.util
from typing import Any

import yaml

from tuner_tui.export.concrete import Concrete
from tuner_tui.export.outcome import Check, Task


def write_yaml(task: Task, name: str, content: dict[str, Any]) -> Check:
    """Write a YAML file and read it back; every value must be what was meant."""
    path = task.place.write(name, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return task.check("yaml_reads_back", yaml.safe_load(path.read_text(encoding="utf-8")) == content)


def peer_notes(task: Task, work: Concrete, target: str, command: str) -> list[str]:
    """How to run it, which machine it is written for, and whether the tool itself has seen it."""
    notes = [task.say("note.peer", folder=target, command=command)]
    notes.append(task.say("note.for_cpu" if work.cpu else "note.for_gpu"))
    if importlib.util.find_spec(target) is None:
        notes.append(task.say("note.peer_untried", target=target))
    return notes
