"""The rail: every step apart from the next, at 80 columns too, and a click lands on the step that is drawn there."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from still_outside import StillOutside

from tuner_tui.app import TunerApp
from tuner_tui.keys import STEPS
from tuner_tui.widgets.rail import Rail


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("width", [300, 120, 80, 60, 40])
async def test_steps_stand_apart_and_a_click_finds_its_step(lang: str, width: int, until) -> None:
    app = TunerApp(lang=lang, outside=StillOutside())
    async with app.run_test(size=(width, 24)) as pilot:
        app.open_step("model")
        await until(pilot, lambda: app.screen.query(Rail) and app.screen.query_one(Rail)._spans)
        rail = app.screen.query_one(Rail)
        rail.show(frozenset(STEPS))
        await pilot.pause()
        drawn = rail.render().plain
        assert cell_len(drawn) <= width
        words = drawn.replace("tuner", "").split()
        if width >= 80:
            assert all(app.say(f"step.{step}") in drawn for step in STEPS)
            assert all(any(word.strip("✓0123456789") == app.say(f"step.{step}") for word in words) for step in STEPS)
        assert [step for _, _, step in rail._spans] == list(STEPS)
        for number, (start, _, _) in enumerate(rail._spans, 1):
            before = "".join(char for at, char in _cells(drawn) if at >= start)
            assert before.lstrip("✓").startswith(str(number))


def _cells(text: str) -> list[tuple[int, str]]:
    at, found = 0, []
    for char in text:
        found.append((at, char))
        at += cell_len(char)
    return found
