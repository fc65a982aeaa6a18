"""A home of its own, real child processes that play a training, and the app opened at a step."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from textual.pilot import Pilot

from advisor.recipe import DataSpec, ModelSpec, Recipe
from tuner_tui.app import TunerApp
from tuner_tui.runs.directory import RunDir, create_run, list_runs
from tuner_tui.runs.identity import alive, send
from tuner_tui.runs.supervisor import launch

STANDIN = Path(__file__).parents[1] / "runs" / "standin.py"
PLAYER = Path(__file__).with_name("player.py")
DEADLINE_S = 60.0

Until = Callable[[Callable[[], object]], Awaitable[None]]
Opened = Callable[..., AbstractAsyncContextManager[tuple[TunerApp, Pilot[None], Until]]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """TUNER_HOME; whatever still runs in it afterwards is ended, by identity."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TUNER_HOME", str(folder))
    monkeypatch.delenv("TUNER_LANG", raising=False)
    monkeypatch.chdir(tmp_path)
    yield folder
    for run in list_runs():
        info = run.info()
        if info is not None and info.identity is not None and alive(info.identity):
            send(info.identity, signal.SIGKILL)


@pytest.fixture
def recipe() -> Recipe:
    """A recipe that no check looks at."""
    return Recipe(name="practice", label="ft/sft:lora", model=ModelSpec(id="m"), data=DataSpec(train="t"))


@pytest.fixture
def start(recipe: Recipe) -> Callable[..., RunDir]:
    """Start a child process that plays a scenario as a run."""

    def started(scenario: str, script: Path = STANDIN) -> RunDir:
        run = create_run(recipe)
        launch(run, command=[sys.executable, str(script), scenario, str(run.path)])
        return run

    return started


@pytest.fixture
def opened() -> Opened:
    """The app at a step of a wizard, at a size, in a language."""

    @asynccontextmanager
    async def open_at(
        step: str, *, size: tuple[int, int] = (120, 40), lang: str = "en", **answers: Any
    ) -> AsyncIterator[tuple[TunerApp, Pilot[None], Until]]:
        app = TunerApp(lang=lang)
        async with app.run_test(size=size) as pilot:

            async def until(condition: Callable[[], object]) -> None:
                end = time.monotonic() + DEADLINE_S
                while not condition():
                    assert time.monotonic() < end, "deadline passed:\n" + text_of(app)
                    await pilot.pause(0.02)

            app.change(structs.replace(app.wizard, **answers))
            app.open_step(step)
            await until(lambda: getattr(app.screen, "STEP", "") == step and app.screen.is_mounted)
            yield app, pilot, until

    return open_at


def text_of(app: TunerApp) -> str:
    """What the screen shows, as rows of text."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
