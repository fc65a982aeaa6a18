"""The plan step: a recipe by rule, edited in place, wrong keys named with their line, nothing started in vain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from textual import events

from advisor.facts import Facts, Gpu, Hardware, Model
from advisor.recipe import DataSpec, ModelSpec, Recipe, TrainSpec, decode_recipe, encode_recipe
from tests.tuner_tui.app_run.conftest import Opened, text_of
from tuner_tui.outside import Outside
from tuner_tui.paths import home as home_folder
from tuner_tui.paths import samples
from tuner_tui.runs import rehearsal
from tuner_tui.runs.directory import list_runs
from tuner_tui.runs.rehearsed import rehearsal_of
from tuner_tui.runs.supervisor import launch
from tuner_tui.widgets.recipe_text import RecipeText, field_at, row_of

TEXT = "label: ft/sft:lora\nmodel:\n  id: nowhere/\ndata:\n  train: gone.jsonl\ntrain:\n  learning_rate: 0.0002\n"


def recipe_text(app: Any) -> RecipeText:
    return app.screen.query_one(RecipeText)


@pytest.mark.parametrize(
    ("row", "field"), [(0, "label"), (1, "model"), (2, "model.id"), (5, "train"), (6, "train.learning_rate"), (7, "")]
)
def test_the_field_of_a_row_is_known_by_its_dotted_name(row: int, field: str) -> None:
    lines = TEXT.split("\n")
    if field:
        assert field_at(lines, row) == field
        assert row_of(lines, field) == row


def test_the_row_of_a_field_that_is_not_there_is_its_parents() -> None:
    lines = TEXT.split("\n")
    assert row_of(lines, "train.max_steps") == 5
    assert row_of(lines, "elsewhere") is None


async def test_a_recipe_is_made_by_rule_from_the_answers(opened: Opened, tmp_path: Path) -> None:
    data = tmp_path / "pairs.jsonl"
    data.write_text("".join(f'{{"instruction": "say {n}", "output": "number {n}"}}\n' for n in range(200)))
    facts = Facts(
        goals=["style"],
        model=Model(params_b=7, access="open", kind="instruct"),
        hardware=Hardware(gpus=[Gpu(name="RTX 4090", vram_gb=24)]),
    )
    answers = {"facts": facts, "simulated": True, "preferred": "ft/sft:qlora"}
    answers |= {"data_path": str(data), "model_path": "some/model-7b"}
    async with opened("plan", **answers) as (app, _, until):
        await until(lambda: recipe_text(app).text)
        recipe = decode_recipe(recipe_text(app).text, "plan")
        assert recipe.label == "ft/sft:qlora"
        assert recipe.data.train == str(data)
        assert recipe.why
        assert app.wizard.recipe is None
        await until(lambda: "GiB (computed)" in text_of(app) and "fits: 24.0 GiB" in text_of(app))
        larger = decode_recipe(recipe_text(app).text, "plan", ["train.max_length=8192", "train.micro_batch=64"])
        app.change(structs.replace(app.wizard, recipe=encode_recipe(larger)))
        await until(lambda: "does not fit" in text_of(app))


async def test_what_is_missing_is_named_with_the_step_that_asks_for_it(opened: Opened) -> None:
    async with opened("plan", size=(80, 24)) as (app, _, until):
        await until(lambda: "step 1" in text_of(app))


@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_a_wrong_key_is_named_with_its_line_as_it_is_typed(opened: Opened, lang: str) -> None:
    async with opened("plan", size=(80, 24), lang=lang, recipe=TEXT) as (app, pilot, until):
        await until(lambda: recipe_text(app).text == TEXT)
        text = recipe_text(app)
        text.focus()
        text.move_cursor((6, 2))
        await pilot.press("x")
        await until(lambda: text.has_class("-bad"))
        line = app.say("plan.at_line", line=7, text="")
        await until(lambda: line.strip() in text_of(app) and "xlearning_rate" in text_of(app))
        assert "learning_rate" in text_of(app)
        await pilot.press("f4")
        assert list_runs() == []
        await pilot.press("ctrl+z")
        await until(lambda: not text.has_class("-bad"))


async def test_edits_are_kept_going_away_and_back_and_f5_brings_the_rules_back(opened: Opened) -> None:
    async with opened("plan", recipe=TEXT) as (app, pilot, until):
        await until(lambda: recipe_text(app).text == TEXT)
        recipe_text(app).focus()
        await pilot.press("#", "space", "m", "i", "n", "e", "enter")
        await until(lambda: (app.wizard.recipe or "").startswith("# mine\n"))
        app.open_step("run")
        await until(lambda: getattr(app.screen, "STEP", "") == "run")
        app.open_step("plan")
        await until(lambda: getattr(app.screen, "STEP", "") == "plan")
        assert recipe_text(app).text.startswith("# mine\n")
        await pilot.press("f5")
        await until(lambda: app.wizard.recipe is None and "mine" not in recipe_text(app).text)


async def test_nothing_starts_for_data_that_is_not_there(opened: Opened) -> None:
    async with opened("plan", recipe=TEXT) as (app, pilot, until):
        await until(lambda: recipe_text(app).text == TEXT)
        await pilot.press("f4")
        await until(lambda: "gone.jsonl" in text_of(app))
        assert list_runs() == []


async def test_pasted_escape_sequences_never_reach_the_terminal(opened: Opened) -> None:
    async with opened("plan", recipe=TEXT) as (app, _, until):
        await until(lambda: recipe_text(app).text == TEXT)
        recipe_text(app).post_message(events.Paste("name: \x1b]52;c;ZQ==\x07[red]x\u202e\n"))
        await until(lambda: "[red]x" in recipe_text(app).text)
        assert "\x1b" not in recipe_text(app).text
        assert "\u202e" not in text_of(app)


async def test_the_field_under_the_cursor_is_explained(opened: Opened) -> None:
    async with opened("plan", size=(80, 24), recipe=TEXT) as (app, _, until):
        await until(lambda: recipe_text(app).text == TEXT)
        recipe_text(app).move_cursor((6, 4))
        await until(lambda: "Size of a step" in text_of(app))


async def test_f1_tells_the_term_of_the_field_under_the_cursor(opened: Opened) -> None:
    async with opened("plan", size=(80, 24), recipe=TEXT + "adapter:\n  rank: 8\n") as (app, pilot, until):
        await until(lambda: "rank: 8" in recipe_text(app).text)
        recipe_text(app).focus()
        recipe_text(app).move_cursor((recipe_text(app).text.count("\n") - 1, 4))
        await until(lambda: app.screen._field == "adapter.rank")
        await pilot.press("f1")
        await until(lambda: "arXiv 2106.09685" in text_of(app))
        assert app.screen.query_one("#body").plain.startswith(app.say("help.recipe"))


STARVED = Path(__file__).parents[1] / "runs" / "starved.py"


@pytest.mark.slow
@pytest.mark.skipif(not (samples() / "model").is_dir(), reason="needs the practice model")
@pytest.mark.parametrize("fits", [True, False])
async def test_nothing_starts_before_it_was_rehearsed_and_what_does_not_fit_starts_changed(
    fits: bool, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real rehearsals; in the second one memory runs out above a micro-batch of 2."""
    if not fits:

        def planted(run: Any) -> None:
            launch(run, command=[sys.executable, str(STARVED), str(run.path)])

        monkeypatch.setattr(rehearsal, "launch", planted)
    data, model = samples() / "data", samples() / "model"
    recipe = Recipe(
        label="ft/sft:lora",
        model=ModelSpec(id=str(model)),
        data=DataSpec(train=str(data / "style.train.jsonl"), eval=str(data / "style.test.jsonl")),
        train=TrainSpec(micro_batch=8, grad_accum=1, max_length=64, max_steps=2),
    )
    started: list[Any] = []
    monkeypatch.setattr(Outside, "launch", lambda self, run: started.append(run))
    async with opened("plan", recipe=encode_recipe(recipe)) as (app, pilot, until):
        await until(lambda: recipe_text(app).text and app.screen._recipe is not None)
        await pilot.press("f4")
        await until(lambda: type(app.screen).__name__ == "RehearseScreen")
        if not fits:
            await until(lambda: "train.micro_batch = 2" in text_of(app))
            assert app.say("runs.rehearse.backward") in text_of(app)
            assert list_runs() == []
            await pilot.press("enter")
        await until(lambda: started and getattr(app.screen, "STEP", "") == "run" and app.screen.query("#find"))
        ran = decode_recipe(started[0].recipe_path.read_bytes(), "run")
        assert (ran.train.micro_batch, ran.train.grad_accum) == ((8, 1) if fits else (2, 4))
        assert ("micro_batch: 2" in (app.wizard.recipe or "")) is not fits
        assert not list((home_folder() / "rehearsals").iterdir())
        kept = rehearsal_of(started[0])
        assert kept is not None
        assert kept.change is None
