"""Prompting as the recipe says it: instruction, worked examples within the room, and answers of one form only."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from advisor.answering import Pick, PromptSpec
from advisor.errors import InputError
from advisor.recipe import EvalSpec, Metric, recipe_from
from tuner_tui import paths
from tuner_tui.commands.compare import instruction_of
from tuner_tui.evaluation.constrain import Constraint, form_of
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.fewshot import CHOICES, FewShot, choices_of
from tuner_tui.evaluation.generate import answers, end_tokens
from tuner_tui.evaluation.lanes import Shots, instructed, prompt_tokens
from tuner_tui.evaluation.weights import room_of

ASKED = [
    Example(row=at, prompt=({"role": "user", "content": text},), completion="x")
    for at, text in enumerate(("Lumora 배송이 늦어요.", "When will Lumora arrive?", "Is Lumora in stock?", "Hi."), 1)
]


@pytest.fixture(scope="module")
def practice() -> tuple[Any, Any]:
    """The shipped model and its tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = str(paths.samples() / "model")
    return AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)


def constrained(practice: tuple[Any, Any], spec: PromptSpec, most: int = 24) -> list[str]:
    pytest.importorskip("llguidance")
    model, tokenizer = practice
    form = Constraint(spec, tokenizer, model.config.vocab_size, end_tokens(model, tokenizer))
    return answers(model, tokenizer, ASKED, max_new_tokens=most, constraint=form)


def test_only_the_choices_can_be_said(practice: tuple[Any, Any]) -> None:
    choices = ["배송", "return", "other (1+1)"]
    said = constrained(practice, PromptSpec(choices=choices))
    assert len(said) == len(ASKED)
    assert set(said) <= set(choices)


def test_a_pattern_holds_in_every_row_of_a_batch_and_each_answers_as_it_would_alone(practice: tuple[Any, Any]) -> None:
    spec = PromptSpec(pattern=r"[0-9]{2}-(ko|en)")
    said = constrained(practice, spec)
    assert all(len(text) == 5 and text[:2].isdigit() and text[2:] in ("-ko", "-en") for text in said)
    model, tokenizer = practice
    form = Constraint(spec, tokenizer, model.config.vocab_size, end_tokens(model, tokenizer))
    alone = [answers(model, tokenizer, [each], max_new_tokens=24, constraint=form)[0] for each in ASKED]
    assert said == alone


def test_a_schema_makes_json_of_a_model_that_knows_none(practice: tuple[Any, Any], tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"urgent": {"type": "boolean"}, "kind": {"enum": ["late", "stock"]}},
        "required": ["urgent", "kind"],
        "additionalProperties": False,
    }
    (tmp_path / "s.json").write_text(json.dumps(schema), encoding="utf-8")
    for text in constrained(practice, PromptSpec(schema=str(tmp_path / "s.json")), most=64):
        found = json.loads(text)
        assert isinstance(found["urgent"], bool)
        assert found["kind"] in ("late", "stock")


@pytest.mark.parametrize("spec", [PromptSpec(pattern="("), PromptSpec(schema="nowhere.json")])
def test_a_form_that_is_none_is_refused_by_name(practice: tuple[Any, Any], spec: PromptSpec) -> None:
    with pytest.raises(InputError) as error:
        constrained(practice, spec)
    assert error.value.code in ("constrain.form", "training.schema_file")


def test_without_the_engine_the_remedy_is_named(practice: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    model, tokenizer = practice
    with pytest.raises(InputError) as error:
        Constraint(PromptSpec(choices=["a"]), tokenizer, model.config.vocab_size, [2])
    assert "tuner[constrain]" in error.value.text("ko")


def test_an_answer_has_one_form() -> None:
    assert form_of(PromptSpec()) is None
    assert form_of(PromptSpec(choices=["a.b", "c"])) == ("pattern", r"a\.b|c")
    with pytest.raises(InputError):
        form_of(PromptSpec(choices=["a"], pattern="b"))


def test_the_instruction_joins_a_system_turn_and_changes_nothing_else() -> None:
    plain = instructed(ASKED[0], "Be kind.")
    assert plain.prompt == ({"role": "system", "content": "Be kind."}, *ASKED[0].prompt)
    again = instructed(plain, "Be brief.")
    assert again.prompt[0] == {"role": "system", "content": "Be brief.\n\nBe kind."}
    assert instructed(ASKED[0], None) is ASKED[0]
    assert instructed(structs.replace(ASKED[0], prompt="Q?\n"), "Be kind.").prompt == "Be kind.\n\nQ?\n"


def rows(count: int, words: int) -> list[Example]:
    return [
        Example(row=at, prompt=({"role": "user", "content": f"{at} " + "Lumora price? " * words},), completion="yes")
        for at in range(count)
    ]


def test_examples_that_do_not_fit_above_the_longest_question_are_not_tried(practice: tuple[Any, Any]) -> None:
    model, tokenizer = practice
    spec = EvalSpec(metric=Metric.EXACT_MATCH, max_new_tokens=8)
    few, room = FewShot(rows(120, 2), rows(3, 2), tokenizer, spec), room_of(model)
    fits = [shots for shots in CHOICES if few.fits(shots, room)]
    assert Shots(count=16, pick=Pick.SIMILAR) in fits
    assert Shots(count=64, pick=Pick.SIMILAR) not in fits
    assert not FewShot(rows(120, 2), rows(1, 400), tokenizer, spec).fits(CHOICES[0], room)
    tried: list[int] = []
    chosen = few.choose(model, fits, lambda at, of: tried.append(at))
    assert tried == list(range(1, len(fits) + 1))
    assert (
        FewShot(rows(20, 2), rows(3, 2), tokenizer, spec).choose(model, fits, lambda at, of: tried.clear()) == fits[0]
    )
    assert tried
    longest = max(prompt_tokens(tokenizer, prompt) for prompt in few.prompts(rows(3, 2), chosen))
    assert longest + 8 <= room


def test_the_recipe_decides_how_many_and_which() -> None:
    assert choices_of(PromptSpec()) == list(CHOICES)
    assert choices_of(PromptSpec(examples=7, pick=Pick.RANDOM)) == [Shots(count=7, pick=Pick.RANDOM)]
    assert {shots.pick for shots in choices_of(PromptSpec(pick=Pick.FIXED))} == {Pick.FIXED}
    raw = {"label": "zero_shot", "model": {"id": "m"}, "data": {"train": "t"}, "prompting": {"instrction": "x"}}
    with pytest.raises(InputError) as error:
        recipe_from(raw, "r.yaml")
    assert "prompting.instruction" in error.value.text("en")


def test_a_blank_instruction_is_refused_by_name_in_recipe_and_command() -> None:
    raw = {"label": "zero_shot", "model": {"id": "m"}, "data": {"train": "t"}, "prompting": {"instruction": "  "}}
    with pytest.raises(InputError) as error:
        recipe_from(raw, "r.yaml")
    assert "prompting.instruction" in error.value.text("en")
    with pytest.raises(InputError) as error:
        instruction_of("  ")
    assert "--instruction" in error.value.text("en")
    with pytest.raises(InputError) as error:
        instruction_of("@nowhere.txt")
    assert "nowhere.txt" in error.value.text("en")
