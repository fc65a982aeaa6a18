"""A text longer than the recipe's length is learned and judged whole, in pieces that share no token."""

import math
from pathlib import Path
from typing import Any

import little
import pytest

from tuner_tui.evaluation.example import Example, pieces
from tuner_tui.evaluation.likelihood import likelihoods
from tuner_tui.training import cpt

TEXT = "say apple apple! tell bread bread! give chair chair! show dream dream! " * 6


def loaded(world: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = world / "model"
    return AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(("count", "length", "sizes"), [(10, 4, [4, 4, 2]), (9, 8, [5, 4]), (8, 8, [8]), (1, 8, [1])])
def test_pieces_hold_everything_in_order_and_are_about_as_long(count: int, length: int, sizes: list[int]) -> None:
    found = pieces(list(range(count)), length)
    assert [token for piece in found for token in piece] == list(range(count))
    assert [len(piece) for piece in found] == sizes


def test_every_token_of_a_long_text_is_trained_once_and_then_its_end(world: Path) -> None:
    _, tokenizer = loaded(world)
    found = cpt.rows([Example(row=3, completion=TEXT)], tokenizer, 32)
    assert max(len(row["input_ids"]) for row in found) <= 32
    assert {row["row"] for row in found} == {3}
    joined = [token for row in found for token in row["input_ids"]]
    assert joined == [*tokenizer(TEXT)["input_ids"], tokenizer.eos_token_id]


def test_a_long_text_is_judged_whole(world: Path) -> None:
    model, tokenizer = loaded(world)
    text = Example(row=1, completion=TEXT)
    (cut,) = likelihoods(model, tokenizer, [(text, TEXT)], max_length=32)
    (whole,) = likelihoods(model, tokenizer, [(text, TEXT)], max_length=256)
    parts = math.ceil((whole.tokens + 1) / 32)
    assert cut.tokens == whole.tokens + 1 - parts


@pytest.mark.slow
@pytest.mark.parametrize("packing", [False, True])
def test_a_run_on_long_texts_makes_the_steps_that_their_pieces_need(world: Path, tmp_path: Path, packing: bool) -> None:
    little.write(tmp_path / "long.jsonl", [{"text": TEXT + word} for word in little.WORDS])
    made = little.recipe(world, "ft/cpt:lora", "text", "loss", train__packing=packing, train__learning_rate=0.005)
    made["train"] |= {"max_length": 32, "epochs": 1.0, "micro_batch": 4}
    del made["train"]["max_steps"]
    made["data"]["train"] = str(tmp_path / "long.jsonl")
    assert little.start(tmp_path / "run", made) == 0, little.events(tmp_path / "run", "exit")
    _, tokenizer = loaded(world)
    tokens = sum(len(tokenizer(TEXT + word)["input_ids"]) + 1 for word in little.WORDS)
    found = little.report(tmp_path / "run")
    assert found["tokens"] == tokens
    assert little.events(tmp_path / "run", "start")[0]["total"] == found["steps"]
