"""The rows that our own training would use, and one hash of them to compare an exported script's with."""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any

from tuner_tui.export.outcome import Task


def fingerprint(task: Task) -> dict[str, Any]:
    """How many rows train and judge, and the hash over them, as the model is spoken to."""
    from tuner_tui.evaluation.example import for_model
    from tuner_tui.export.proof import prepare, reader
    from tuner_tui.training import data, model

    recipe = task.source.recipe
    prepare(recipe)
    with contextlib.chdir(task.source.path.parent):
        split = data.load(recipe, reader(recipe), task.words.say)
        tokenizer = model.load_tokenizer(recipe.model)
    parts = [[_plain(example) for example in for_model(tokenizer, part)] for part in (split.train, split.held_out)]
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    return {"train": len(parts[0]), "held_out": len(parts[1]), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _plain(example: Any) -> dict[str, Any]:
    prompt = example.prompt if isinstance(example.prompt, str) else list(example.prompt)
    row = {"row": example.row, "prompt": prompt, "completion": example.completion}
    row |= {} if example.rejected is None else {"rejected": example.rejected}
    return row if example.liked is None else {**row, "label": example.liked}
