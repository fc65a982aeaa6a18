"""What is trained on, and what it is judged by."""

import random
from typing import Any

from tuner_tui.export.pieces.pairs import examples_of
from tuner_tui.export.pieces.rows import Unusable, read_rows
from tuner_tui.export.pieces.settings import EVAL_FILE, EVAL_FRACTION, MAX_EVAL_ROWS, SEED, TRAIN_FILE

Examples = list[dict[str, Any]]


def load_split() -> tuple[Examples, Examples]:
    """Training and held-out examples; they never share a question."""
    train = usable(TRAIN_FILE)
    if EVAL_FILE is None:
        train, held_out = hold_out(train)
    else:
        held_out = usable(EVAL_FILE)
        asked = {question(example) for example in held_out}
        train = [example for example in train if question(example) not in asked]
    if not train or not held_out:
        raise SystemExit(f"{TRAIN_FILE}: too few usable rows to train on some and hold out others.")
    if len(held_out) > MAX_EVAL_ROWS:
        kept = sorted(random.Random(SEED).sample(range(len(held_out)), MAX_EVAL_ROWS))
        held_out = [held_out[index] for index in kept]
    return train, held_out


def usable(file: str) -> Examples:
    """All examples of a file; says how many rows fit no known form."""
    found: Examples = []
    left_out = []
    for number, row in read_rows(file):
        try:
            found += examples_of(number, row)
        except Unusable as problem:
            left_out.append((number, problem))
    if left_out:
        print(f"{file}: {len(left_out)} rows left out. Row {left_out[0][0]}: {left_out[0][1]}.")
    return found


def hold_out(examples: Examples) -> tuple[Examples, Examples]:
    """EVAL_FRACTION of the questions, at least one; examples of one question stay on one side."""
    questions = list(dict.fromkeys(question(example) for example in examples))
    count = min(max(round(len(questions) * EVAL_FRACTION), 1), len(questions) - 1) if EVAL_FRACTION else 0
    held = set(random.Random(SEED).sample(questions, max(count, 0)))
    train = [example for example in examples if question(example) not in held]
    return train, [example for example in examples if question(example) in held]


def question(example: dict[str, Any]) -> str:
    """What makes two examples the same question: how their conversation opens, up to the first user turn."""
    prompt = example["prompt"]
    if isinstance(prompt, str):
        return prompt or str(example["completion"])
    opening = []
    for turn in prompt:
        opening.append(turn["content"])
        if turn["role"] == "user":
            break
    return "\0".join(opening)
