"""A row's own system text is a turn before the question, in training as in what `inspect --show` tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from tuner_tui.inspect.formats import shape_of
from tuner_tui.inspect.talk import talk_of
from tuner_tui.training import formats

SAID = "You are a clerk."
TURNS = ({"role": "system", "content": SAID}, {"role": "user", "content": "Two and two?"})
ASKED = {"prompt": "Two and two?"}
SHARED = [{"from": "human", "value": "Two and two?"}, {"from": "gpt", "value": "Four."}]


@pytest.mark.parametrize("column", ["system", "system_prompt"])
@pytest.mark.parametrize(
    ("read", "row"),
    [
        (formats.pairs, {**ASKED, "completion": "Four."}),
        (formats.pairs, {"instruction": "Two and two?", "output": "Four."}),
        (formats.pairs, {"conversations": SHARED}),
        (formats.preferences, {**ASKED, "chosen": "Four.", "rejected": "Five."}),
        (formats.feedback, {**ASKED, "completion": "Four.", "label": True}),
    ],
)
def test_a_system_column_is_the_first_turn(read: formats.Reader, row: dict[str, Any], column: str) -> None:
    row = {column: SAID, **row}
    (example,) = read(1, row)
    assert example.prompt == TURNS
    assert example.completion == "Four."
    talk = talk_of(row, shape_of(row))
    assert talk is not None
    assert talk.asked == list(TURNS)


def test_a_system_turn_is_not_doubled_and_a_blank_or_foreign_one_is_none() -> None:
    turns = [{"role": "system", "content": "Mine."}, {"role": "user", "content": "Two?"}]
    row = {"system": SAID, "messages": [*turns, {"role": "assistant", "content": "Two."}]}
    assert list(formats.pairs(1, row)[0].prompt) == turns
    for system in ("", "  ", None, 4):
        assert formats.pairs(1, {"system": system, "prompt": "Two?", "completion": "Two."})[0].prompt == "Two?"
