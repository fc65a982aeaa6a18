"""Home: one cursor through all its lists, the way's steps, and what the panel beside the questions says."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from rich.cells import cell_len
from still_outside import ADVICE, WIZARD, StillOutside

from tuner_tui import keys
from tuner_tui.app import TunerApp
from tuner_tui.screens.home import HomeScreen, Menu
from tuner_tui.widgets.advice_panel import AdvicePanel, first_sentence
from tuner_tui.widgets.speaks import Notice


@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_the_arrows_lead_through_all_lists_of_home(lang: str, until: Any) -> None:
    app = TunerApp(lang=lang, outside=StillOutside())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.focused, Menu))
        await pilot.press("down", "down", "down")
        assert app.focused is app.screen.query_one("#way")
        assert app.focused.highlighted == 1
        await pilot.press("up", "up")
        assert (app.focused.id, app.focused.highlighted) == ("menu", 1)
        await pilot.press("up", "up")
        assert (app.focused.id, app.focused.highlighted) == ("way", len(keys.STEPS) - 1)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "export")


@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_the_descriptions_of_home_begin_in_one_column_and_none_is_cut(lang: str, until: Any) -> None:
    app = TunerApp(lang=lang, outside=StillOutside())
    async with app.run_test(size=(80, 24)) as pilot:
        app.change(WIZARD)
        app.screen.retranslate()
        await until(pilot, lambda: app.screen.query_one("#menu", Menu).option_count == 3)
        lines = [str(option.prompt) for menu in app.screen.query(Menu) for option in menu.options]
        hints = [app.say(f"home.{name}.hint", step=app.say("step.goal")) for name in ("continue", "new", "practice")]
        hints += [app.say(f"home.way.{step}") for step in keys.STEPS]
        begins = {cell_len(line[: line.index(hint)]) for line, hint in zip(lines, hints, strict=True)}
        assert len(begins) == 1
        assert max(map(cell_len, lines)) <= app.screen.query_one("#menu").content_size.width


async def test_the_advice_stands_beside_the_questions_or_below_them_never_twice(until: Any) -> None:
    app = TunerApp(lang="en", outside=StillOutside())
    async with app.run_test(size=(120, 40)) as pilot:
        app.change(WIZARD)
        app.open_step("goal")
        await until(pilot, lambda: app.screen.query(AdvicePanel) and app.screen.query_one(AdvicePanel).advice)
        notice = app.screen.query_one(Notice)
        assert str(notice.render()) == ""
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "So far" in str(notice.render()))
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: str(notice.render()) == "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The facts change fast. Look them up.", "The facts change fast."),
        ("사실이 빨리 바뀝니다. 찾아서 줍니다.", "사실이 빨리 바뀝니다."),
        (
            "It takes 1.5 hours (a guess. Measure it) or more. So wait.",
            "It takes 1.5 hours (a guess. Measure it) or more.",
        ),
        ("No stop at all", "No stop at all"),
        ("Why? [red]Because.", "Why?"),
    ],
)
def test_a_reason_is_told_by_its_first_sentence(text: str, said: str) -> None:
    assert first_sentence(text) == said


@pytest.mark.parametrize("step", ["run", "results", "export"])
async def test_a_step_about_a_run_shows_only_ways_on_until_there_is_one(step: str, until: Any) -> None:
    """F5 to zoom or to write did nothing there, and was shown all the same."""
    app = TunerApp(lang="en", outside=StillOutside())
    async with app.run_test(size=(120, 40)) as pilot:
        app.open_step(step)
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == step and app.screen.focused)
        shown = {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}
        assert not {key.id for key in keys.KEYS if key.scope == step} - {"runlist"} & shown
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "plan")


async def test_enter_goes_on_where_nothing_is_to_be_trained(until: Any) -> None:
    """The recipe's text had the focus, and was hidden."""
    outside = StillOutside()
    outside.recommend = lambda *_, **__: structs.replace(  # type: ignore[method-assign]
        ADVICE, label="rag", approach="rag", objectives=[], technique=None
    )
    app = TunerApp(lang="en", outside=outside)
    async with app.run_test(size=(120, 40)) as pilot:
        app.change(WIZARD)
        app.open_step("plan")
        await until(pilot, lambda: app.screen.query("#left") and not app.screen.query_one("#left").display)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "go")
        shown = {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}
        assert not shown & {"rehearse", "set_value", "reset_recipe"}
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, HomeScreen))


@pytest.mark.parametrize("size", [(59, 40), (120, 15)])
async def test_a_window_that_is_too_small_says_so_and_keeps_the_place(size: tuple[int, int], until: Any) -> None:
    app = TunerApp(lang="ko", outside=StillOutside())
    async with app.run_test(size=(60, 16)) as pilot:
        app.open_step("model")
        await until(pilot, lambda: getattr(app.screen, "STEP", "") == "model" and app.screen.focused)
        told, held = app.screen.query_one("#too-small"), app.screen.focused
        assert not told.display
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: told.display and told.size.width)
        assert app.screen.get_widget_at(2, 1)[0] is told
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: not told.display)
        assert app.focused is held
