"""Results and export of a run: only what its report checked is claimed, and every figure has an origin."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs
from rich.cells import cell_len

from advisor.recipe import Recipe
from tests.tuner_tui.app_run.conftest import Opened, text_of
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import wait
from tuner_tui.screens.standings import standings
from tuner_tui.widgets.answers import Answers
from tuner_tui.widgets.score_panel import track

Start = Callable[..., RunDir]


def finished(run: RunDir) -> bool:
    return state_of(run) is RunState.FINISHED


async def test_a_success_shows_before_and_after_with_their_origin(opened: Opened, start: Start) -> None:
    run = start("success")
    async with opened("results", run_id=run.id) as (app, _, until):
        await until(lambda: "It worked" in text_of(app))
        shown = text_of(app)
        assert "0.100" in shown
        assert "0.900" in shown
        assert "interval" in shown


async def test_a_finished_run_that_did_not_help_is_no_success(opened: Opened, start: Start) -> None:
    run = start("done")
    async with opened("results", run_id=run.id) as (app, _, until):
        await until(lambda: "not a success" in text_of(app))
        assert "NOT passed" in text_of(app)
        assert "It worked" not in text_of(app)


async def test_a_run_that_goes_on_gives_no_result_yet(opened: Opened, start: Start) -> None:
    run = start("endless")
    async with opened("results", run_id=run.id) as (app, _, until):
        await until(lambda: "running" in text_of(app))
        assert "It worked" not in text_of(app)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_answers_full_of_traps_stay_side_by_side(
    opened: Opened, start: Start, size: tuple[int, int], lang: str
) -> None:
    run = start("success")
    async with opened("results", size=size, lang=lang, run_id=run.id) as (app, pilot, until):
        await until(lambda: finished(run))
        report: dict[str, Any] = json.loads(run.report_path.read_text())
        trap = "[bold red]한글[/] \x1b[2J\u202e🦊 " * 40
        report["samples"] = [{"prompt": trap, "reference": trap, "before": "", "after": trap} for _ in range(3)]
        report["checks"] += [None, {"id": trap, "passed": False, "text": trap, "value": trap}]
        report["peak"] = {"bytes": "many", "source": trap}
        run.report_path.write_text(json.dumps(report))
        app.open_step("run")
        await until(lambda: getattr(app.screen, "STEP", "") == "run")
        app.open_step("results")
        await until(lambda: "🦊" in text_of(app))
        await pilot.press("f5")
        shown = text_of(app)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert all(cell_len(row) == size[0] for row in shown.split("\n"))


async def test_without_a_run_the_step_says_where_to_start_one(opened: Opened) -> None:
    async with opened("results") as (app, _, until):
        await until(lambda: "step 6" in text_of(app))


@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_scale_marks_score_and_interval(ascii_only: bool) -> None:
    drawn = track(0.5, 0.25, 0.75, 9, ascii_only)
    assert len(drawn) == 9
    assert drawn[0] == drawn[1] == drawn[-1]
    assert drawn[4] not in (drawn[0], drawn[3])
    assert drawn[2] == drawn[3] == drawn[6]
    assert drawn.isascii() is ascii_only


async def test_export_offers_only_what_a_run_without_weights_has(opened: Opened, start: Start) -> None:
    run = start("success")
    async with opened("export", run_id=run.id) as (app, _, until):
        answers = app.screen.query_one(Answers)
        await until(lambda: answers.values)
        assert "recipe" in answers.values
        assert "adapter" not in answers.values


async def test_the_recipe_is_exported_by_its_own_process_and_shown_with_its_checks(
    opened: Opened, start: Start, tmp_path: Any
) -> None:
    run = start("success")
    async with opened("export", run_id=run.id) as (app, pilot, until):
        answers = app.screen.query_one(Answers)
        await until(lambda: answers.values and finished(run))
        answers._toggle("trl-script")
        await until(lambda: answers.chosen == ("recipe",))
        await pilot.press("f5")
        await until(lambda: "written and checked" in text_of(app) or "not made" in text_of(app))
        made = tmp_path / "exports" / run.id / "recipe.yaml"
        assert made.read_bytes() == run.recipe_path.read_bytes()
        await pilot.press("f5")
        await until(
            lambda: "exists and is left as it is" in text_of(app).replace("\n", " ") or "exists" in text_of(app)
        )
        assert made.read_bytes() == run.recipe_path.read_bytes()


async def test_runs_on_the_same_questions_stand_beside_each_other_the_best_first(opened: Opened, start: Start) -> None:
    better, worse = start("success"), start("done")
    async with opened("results", run_id=worse.id) as (app, pilot, until):
        await until(lambda: finished(better) and finished(worse) and "not a success" in text_of(app))
        await pilot.press("f6")
        await until(lambda: better.id in text_of(app) and worse.id in text_of(app))
        shown = text_of(app)
        assert shown.index(better.id) < shown.index(worse.id)


def test_runs_on_other_questions_are_not_compared(start: Start, recipe: Recipe) -> None:
    one = start("success")
    other = create_run(structs.replace(recipe, seed=recipe.seed + 1))
    assert wait(one, 60) is RunState.FINISHED
    other.report_path.write_text(one.report_path.read_text())
    other.events_path.write_bytes(one.events_path.read_bytes())
    assert [each.id for each in standings(one, [one, other])] == [one.id]
