"""Watching many runs: a list that is true, losses laid over each other, a replay, and the coach's one key."""

from __future__ import annotations

from collections.abc import Callable

from tests.tuner_tui.app_run.conftest import PLAYER, Opened, text_of
from tuner_tui.replaying import Replay
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import wait
from tuner_tui.runs.view import RunView, fold
from tuner_tui.screens.runlist import RunsScreen
from tuner_tui.widgets.chart import Chart
from tuner_tui.widgets.coach_line import told

Start = Callable[..., RunDir]


async def test_all_runs_are_listed_with_their_states_and_one_is_laid_over(opened: Opened, start: Start) -> None:
    earlier, here = start("success"), start("done", PLAYER)
    async with opened("run", run_id=here.id) as (app, pilot, until):
        await until(lambda: "finished" in text_of(app))
        await until(lambda: state_of(earlier) is RunState.FINISHED)
        await pilot.press("ctrl+l")
        await until(lambda: isinstance(app.screen, RunsScreen) and earlier.id in text_of(app))
        rows = app.screen._rows
        place = [row.id for row in rows].index(earlier.id) - [row.id for row in rows].index(here.id)
        await pilot.press(*(["down"] * place if place > 0 else ["up"] * -place), "space", "escape")
        loss = lambda: app.screen.query_one("#loss", Chart)  # noqa: E731
        await until(lambda: not isinstance(app.screen, RunsScreen) and len(loss().curves) == 4)
        assert loss().curves[0].name == earlier.id[-18:]
        assert len(loss().curves[0].points) == 20


async def test_enter_attaches_to_another_run(opened: Opened, start: Start) -> None:
    other, here = start("success"), start("done", PLAYER)
    async with opened("run", run_id=here.id) as (app, pilot, until):
        await until(lambda: "finished" in text_of(app))
        await until(lambda: state_of(other) is RunState.FINISHED)
        await pilot.press("ctrl+l")
        await until(lambda: isinstance(app.screen, RunsScreen) and other.id in text_of(app))
        listed = app.screen.query_one("#rows")
        listed.highlighted = [row.id for row in app.screen._rows].index(other.id)
        await pilot.press("enter")
        await until(lambda: app.wizard.run_id == other.id and "20/20" in text_of(app))


def test_a_replay_tells_the_same_view_as_the_run(start: Start) -> None:
    run = start("done", PLAYER)
    assert wait(run, 60) is RunState.FINISHED
    now = [0.0]
    replay = Replay(run, "en", speed=1000.0, clock=lambda: now[0])
    looks = []
    while not replay.over:
        now[0] += 0.001
        looks.append(replay.look())
    assert looks[-1] is not None
    assert looks[-1].view == fold(RunView(id=run.id), replay._events)
    assert looks[-1].view.step == 60
    assert looks[-1].state is RunState.FINISHED
    assert replay.look() is None


async def test_a_finished_run_is_replayed_and_comes_back_to_its_end(opened: Opened, start: Start) -> None:
    run = start("done", PLAYER)
    async with opened("run", run_id=run.id) as (app, pilot, until):
        await until(lambda: "finished" in text_of(app))
        await pilot.press("ctrl+y")
        await until(lambda: isinstance(app.screen._watching, Replay))
        await pilot.press("ctrl+y")
        await until(lambda: app.screen._watching is not None and not isinstance(app.screen._watching, Replay))
        await until(lambda: "finished" in text_of(app))


def test_a_finding_is_told_in_the_present_language_from_its_evidence() -> None:
    finding = {
        "id": "COA008",
        "text": "x",
        "action": "stop",
        "evidence": {"best_step": 10, "best": "0.4", "now": "0.5"},
    }
    assert told(finding, "ko")[0] == "과적합"
    assert "10" in told(finding, "en")[1]
    assert told({**finding, "evidence": None}, "en")[1] == "x"
    assert told({"id": "[red]NEW\x1b", "text": "\x1b[2J"}, "en")[0] != "[red]NEW\x1b"


async def test_the_coachs_proposal_is_one_key_and_asked_first(opened: Opened, start: Start) -> None:
    run = start("endless", PLAYER)
    async with opened("run", size=(80, 24), lang="ko", run_id=run.id) as (app, pilot, until):
        await until(lambda: "코치:" in text_of(app) and "F10" in text_of(app))
        await pilot.press("f10")
        await until(lambda: "코치의 제안대로 할까요?" in text_of(app))
        assert state_of(run) is RunState.RUNNING
        await pilot.press("enter")
        await until(lambda: state_of(run) is RunState.STOPPED)
        await until(lambda: "멈춤" in text_of(app))
