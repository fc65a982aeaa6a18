"""Prompting leaves as the prompt with its worked examples, and a script that asks with them as a comparison does."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from advisor.answering import Pick
from advisor.methods import Approach
from tuner_tui.export.asking import (
    FOLDER,
    ask_script,
    asks_the_same,
    instruction,
    model_values,
    needed,
    prompting,
    questions_of,
    searching,
    unconstrained,
)
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.rag import take_adapter

OPEN = 4  # examples where the recipe leaves their number to what does best


def export(task: Task) -> Outcome:
    """Write `prompt/`: `prompt.json` (instruction, examples and how they are picked), `ask.py` and what it needs."""
    from tuner_tui.evaluation.example import Example
    from tuner_tui.evaluation.lanes import Shots, instructed, likeness_of, shown, turns_of

    spec, told = task.source.recipe.prompting, instruction(task)
    zero = task.source.recipe.parsed_label.approach is Approach.ZERO_SHOT
    shots = Shots(count=0 if zero else spec.examples or OPEN, pick=spec.pick or Pick.FIXED)
    rows = [] if zero else pool_of(task)
    if shots.pick is Pick.FIXED:
        rows = rows[: shots.count]
    settings = prompting(told, shots.count, shots.pick.value, [as_shown(row) for row in rows])
    content = {name.lower(): value for name, value in settings.items()}
    task.place.write("prompt/prompt.json", json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    similar = shots.pick is Pick.SIMILAR
    task.place.write("prompt/requirements.txt", "\n".join(needed(*(("bm25s", "numpy") if similar else ()))) + "\n")
    values = {**model_values(task), "ADAPTER": take_adapter(task, "prompt"), **settings}
    chosen = [*searching(), (FOLDER / "likeness.py", ())] if similar else [(FOLDER / "shots.py", ())]
    parts: list[tuple[Any, tuple[str, ...]]] = [(FOLDER / "ungrounded.py", ()), *chosen, (FOLDER / "ask.py", ())]
    script = task.place.write("prompt/ask.py", ask_script(task, values, parts))
    likeness = likeness_of(rows) if rows else None

    def asked(question: str) -> list[dict[str, str]]:
        plain = Example(row=0, prompt=({"role": "user", "content": question},), completion="")
        example = instructed(plain, told)
        return list(turns_of(example if likeness is None else shown(example, rows, shots, likeness)))

    check = asks_the_same(task, script, questions_of(task), asked)
    unsaid = unconstrained(task)
    if not zero and (spec.examples is None or spec.pick is None):
        unsaid["prompting.examples"] = task.say("unsaid_shots", count=shots.count, pick=shots.pick.value)
    return Outcome(checks=[check], notes=[task.say("note.ask", file="prompt/ask.py")], unexpressed=unsaid)


def pool_of(task: Task) -> list[Any]:
    """The rows that a comparison shows: trained on, not held out, and none that it chooses by."""
    from tuner_tui.evaluation.fewshot import DEVELOPMENT, POOL
    from tuner_tui.training import data, formats

    with contextlib.chdir(task.source.path.parent):
        train = data.load(task.source.recipe, formats.pairs, task.words.say).train
    return train[DEVELOPMENT : DEVELOPMENT + POOL] or train


def as_shown(row: Any) -> dict[str, Any]:
    """A row as the turns that are shown, and the question that it is found by."""
    from tuner_tui.evaluation.lanes import turns_of

    turns = [turn for turn in turns_of(row) if turn["role"] != "system"]
    return {"question": row.question, "turns": [*turns, {"role": "assistant", "content": row.completion}]}
