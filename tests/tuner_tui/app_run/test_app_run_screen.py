"""The run step: what it shows is what is true, also when the process is killed, and nothing foreign drives it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from tests.tuner_tui.app_run.conftest import PLAYER, Opened, text_of
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.view import GpuReading
from tuner_tui.screens.run import RunScreen
from tuner_tui.widgets.chart import Chart
from tuner_tui.widgets.log_panel import LogPanel
from tuner_tui.widgets.memory_panel import MemoryPanel
from tuner_tui.words import words

Start = Callable[..., RunDir]


def kill(run: RunDir) -> None:
    info = run.info()
    assert info is not None
    assert info.pid is not None
    os.kill(info.pid, signal.SIGKILL)


async def test_a_live_run_is_drawn_and_a_killed_one_is_called_crashed(opened: Opened, start: Start) -> None:
    run = start("endless")
    async with opened("run", run_id=run.id) as (app, _, until):
        await until(lambda: "running" in text_of(app) and app.screen.query_one("#loss", Chart).curves)
        kill(run)
        await until(lambda: "crashed" in text_of(app) and "its process is gone" in text_of(app))
        assert state_of(run) is RunState.CRASHED


async def test_f8_stops_with_a_checkpoint_and_says_so(opened: Opened, start: Start) -> None:
    run = start("endless")
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "running" in text_of(app))
        await pilot.press("f8")
        await until(lambda: "stopped" in text_of(app) and "tuner resume" in text_of(app))
        assert state_of(run) is RunState.STOPPED


async def test_a_run_that_does_not_listen_is_stopped_harder_by_pressing_again(opened: Opened, start: Start) -> None:
    run = start("deaf")
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "running" in text_of(app))
        await pilot.press("f8")
        await until(lambda: "SIGTERM" in text_of(app))
        await pilot.press("f8")
        await until(lambda: "SIGKILL" in text_of(app))
        await pilot.press("f8")
        await until(lambda: state_of(run) is RunState.STOPPED)
        await until(lambda: "stopped" in text_of(app))


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (300, 100)])
async def test_traps_in_data_and_log_stay_text_at_every_size(
    opened: Opened, start: Start, size: tuple[int, int], lang: str
) -> None:
    run = start("done", PLAYER)
    async with opened("run", size=size, lang=lang, run_id=run.id) as (app, pilot, until):
        done = app.say("state.finished")
        await until(lambda: done in text_of(app))
        for _ in range(7):
            await pilot.press("f7")
            shown = text_of(app)
            assert "\x1b" not in shown
            assert "\u202e" not in shown
            assert all(cell_len(row) == size[0] for row in shown.split("\n"))
        assert app.screen.query_one(MemoryPanel).content_size.height > 0


async def test_panels_show_what_the_method_reports(opened: Opened, start: Start) -> None:
    run = start("done", PLAYER)
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "finished" in text_of(app))
        seen = []
        for _ in range(5):
            await pilot.press("f7")
            seen.append(app.screen.query_one("#curve", Chart).title_key)
        assert {"chart.gradient", "rewards_margin", "rewards_accuracy"} <= set(seen)
        loss = app.screen.query_one("#loss", Chart)
        assert dict(loss.curves[0].points)[31] is None
        assert "this run 17.0" in text_of(app)
        assert "310 W" in text_of(app)


async def test_the_language_changes_everywhere_at_once(opened: Opened, start: Start) -> None:
    run = start("done", PLAYER)
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "finished" in text_of(app) and "Loss" in text_of(app))
        await pilot.press("f2")
        await until(lambda: "손실 (측정값)" in text_of(app) and "완료" in text_of(app))
        for english in ("Loss", "Memory", "finished", "Answers", "checkpoint at"):
            assert english not in text_of(app)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "Truncating eval dataset: 100%|██████████| 96/96 [00:00<00:00, 276.93 examples/s]",
            "Truncating eval dataset 96/96",
        ),
        (" 42%|####2     | 1.2k/2.9kM [00:01<?, ?it/s]", " 1.2k/2.9kM"),
        ("a | b is no bar: 10% | of it", "a | b is no bar: 10% | of it"),
    ],
)
async def test_a_bar_of_progress_in_the_log_is_told_by_its_count(opened: Opened, line: str, told: str) -> None:
    async with opened("run", run_id="x") as (app, _, _until):
        log = app.screen.query_one(LogPanel)
        log.empty()
        log.add([line])
        assert [str(row) for row in log.lines] == [f"         | {told}"]


@pytest.mark.parametrize("said", ["en", "ko"])
async def test_how_a_run_ended_is_told_in_the_present_language(opened: Opened, said: str) -> None:
    """The run had written it in the language that it was started in."""
    async with opened("run", lang="ko", run_id="x") as (app, _, until):
        log = app.screen.query_one(LogPanel)
        log.empty()
        log.add([{"t": "exit", "reason": "done", "code": 0, "text": words(said).say("training.exit.done")}])
        await until(lambda: log.line_count)
        assert words("ko").say("training.exit.done")[:20] in str(log.lines[0])


async def test_one_device_without_room_names_no_number_of_others(opened: Opened) -> None:
    """`and -3 more` stood there at 60x20."""
    async with opened("run", size=(60, 20), run_id="x") as (app, _, until):
        panel = app.screen.query_one(MemoryPanel)
        panel.show({"host": GpuReading(device="host", source="host", used_bytes=1 << 30, total_bytes=4 << 30)})
        await until(lambda: panel.content_size.height > 1)
        panel.styles.height = 5
        await until(lambda: panel.content_size.height == 3)
        assert str(panel.render()).endswith(app.say("memory.rest"))


async def test_the_language_of_a_hint_changes_too(opened: Opened, start: Start) -> None:
    run = start("endless")
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "goes on without this window" in text_of(app))
        await pilot.press("f2")
        await until(lambda: "goes on without this window" not in text_of(app))
        assert "이 창이 없어도" in text_of(app)
    kill(run)


async def test_a_search_shows_only_what_matches_and_escape_brings_all_back(opened: Opened, start: Start) -> None:
    run = start("done", PLAYER)
    async with opened("run", run_id=run.id) as (app, pilot, until):
        log = app.screen.query_one(LogPanel)
        await until(lambda: log.line_count > 5)
        everything = log.line_count
        await pilot.press("ctrl+f", *"checkpoint")
        await until(lambda: log.line_count == 1)
        await pilot.press("escape")
        await until(lambda: log.line_count == everything)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_zoom_shows_one_panel_the_next_with_f7_and_escape_comes_back(
    opened: Opened, start: Start, size: tuple[int, int]
) -> None:
    run = start("done", PLAYER)
    async with opened("run", size=size, run_id=run.id) as (app, pilot, until):
        await until(lambda: "finished" in text_of(app))
        await pilot.press("f5")
        await until(lambda: app.screen.maximized is app.screen.query_one("#loss"))
        seen = []
        for _ in range(9):
            await pilot.press("f7")
            await pilot.pause()
            seen.append(app.screen._pane if app.screen.maximized.id == "curve" else app.screen.maximized.id)
            assert app.screen.maximized.content_size.height > size[1] // 2
        assert {"loss", "memory", "rate", "log", "samples", "gradient", "rewards_margin"} <= set(seen)
        await pilot.press("escape")
        await until(lambda: app.screen.maximized is None)
        assert isinstance(app.screen, RunScreen)
        app.screen.query_one("#memory").focus()
        await pilot.press("f5")
        assert app.screen.maximized is app.screen.query_one("#memory")


async def test_a_zoomed_panel_that_a_smaller_window_has_no_room_for_gives_way(opened: Opened, start: Start) -> None:
    run = start("done", PLAYER)
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "finished" in text_of(app))
        app.screen.query_one("#rate").focus()
        await pilot.press("f5")
        await pilot.resize_terminal(80, 24)
        await until(lambda: app.screen.maximized is None)
        assert "finished" in text_of(app)


async def test_quitting_while_it_runs_asks_and_leaves_it_running(opened: Opened, start: Start) -> None:
    run = start("endless")
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "running" in text_of(app))
        await pilot.press("ctrl+q")
        await until(lambda: "A run is still going" in text_of(app))
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, RunScreen))
        await pilot.press("ctrl+q")
        await until(lambda: "A run is still going" in text_of(app))
        await pilot.press("enter")
        await until(lambda: not app.is_running)
    assert state_of(run) is RunState.RUNNING


async def test_quitting_can_stop_the_run(opened: Opened, start: Start) -> None:
    run = start("endless")
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "running" in text_of(app))
        await pilot.press("ctrl+q")
        await until(lambda: "A run is still going" in text_of(app))
        await pilot.press("down", "enter")
        await until(lambda: not app.is_running)
        await until(lambda: state_of(run) is RunState.STOPPED)


async def test_a_run_that_is_gone_is_said_to_be_gone(opened: Opened) -> None:
    async with opened("run", run_id="nothing-here") as (app, _, until):
        await until(lambda: "No run `nothing-here`" in text_of(app))
