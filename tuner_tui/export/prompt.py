"""Prompting leaves as the prompt with its worked examples, and a script that asks with them."""

from __future__ import annotations

import json
from typing import Any

from advisor.methods import Approach
from tuner_tui.export.asking import FOLDER, ask_script, asks_the_same, model_values, questions_of
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.rag import take_adapter

EXAMPLES = 4


def export(task: Task) -> Outcome:
    """Write `prompt/`: `prompt.json` (the turns before the question) and `ask.py`."""
    zero = task.source.recipe.parsed_label.approach is Approach.ZERO_SHOT
    turns = [] if zero else worked_examples(task)
    task.place.write("prompt/prompt.json", json.dumps(turns, ensure_ascii=False, indent=2) + "\n")
    values = {**model_values(task), "ADAPTER": take_adapter(task, "prompt"), "EXAMPLES": turns}
    modules: list[tuple[Any, tuple[str, ...]]] = [(FOLDER / "ungrounded.py", ()), (FOLDER / "ask.py", ())]
    script = task.place.write("prompt/ask.py", ask_script(task, values, modules))

    def asked(question: str) -> list[dict[str, str]]:
        return [*turns, {"role": "user", "content": question}]

    check = asks_the_same(task, script, questions_of(task), asked)
    return Outcome(checks=[check], notes=[task.say("note.ask", file="prompt/ask.py")])


def worked_examples(task: Task) -> list[dict[str, str]]:
    """The first EXAMPLES rows that are trained on and not held out, as turns."""
    import contextlib

    from tuner_tui.evaluation.lanes import turns_of
    from tuner_tui.training import data, formats

    with contextlib.chdir(task.source.path.parent):
        pool = data.load(task.source.recipe, formats.pairs, task.words.say).train
    found: list[dict[str, str]] = []
    for example in pool[:EXAMPLES]:
        found += [turn for turn in turns_of(example) if turn["role"] != "system"]
        found.append({"role": "assistant", "content": example.completion})
    return found
