"""Every screen of the first half as a picture: both sizes, both languages, dark, light and no colour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from still_outside import WIZARD, StillOutside
from textual.widgets import Input

from tuner_tui.app import TunerApp

VARIANTS = [
    pytest.param("en", (80, 24), "tuner-dark", False, id="en-80-dark"),
    pytest.param("ko", (120, 40), "tuner-dark", False, id="ko-120-dark"),
    pytest.param("ko", (80, 24), "tuner-light", False, id="ko-80-light"),
    pytest.param("en", (120, 40), "tuner-dark", True, id="en-120-no_color"),
]
SCREENS: dict[str, tuple[str, tuple[str, ...]]] = {
    "home": ("", ()),
    "goal": ("goal", ()),
    "data": ("data", ()),
    "row": ("data", ("f10",)),
    "ready": ("data", ("ctrl+r",)),
    "model": ("model", ()),
    "hardware": ("hardware", ()),
    "advice": ("advice", ()),
    "ruled_out": ("advice", ("down", "down", "down")),
    "price": ("advice", ("down", "down", "down", "f5")),
    "compare": ("advice", ("down", "f6")),
    "what_if": ("advice", ("f7", "right")),
    "help": ("advice", ("f1",)),
    "settings": ("", ("f9",)),
}


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(("lang", "size", "theme", "no_color"), VARIANTS)
def test_picture(
    screen: str,
    lang: str,
    size: tuple[int, int],
    theme: str,
    no_color: bool,
    snap_compare: Callable[..., bool],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    until: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    step, pressed = SCREENS[screen]

    async def before(pilot: Any) -> None:
        app = pilot.app
        app.theme = theme
        await until(pilot, lambda: app.wizard.facts.hardware.gpus is not None)
        app.change(msgspec.structs.replace(WIZARD, data_path="rows.jsonl" if step == "data" else None))
        if step:
            app.open_step(step)
            await until(pilot, lambda: getattr(app.screen, "STEP", "") == step and app.screen.focused)
        if step == "data":
            await until(pilot, lambda: app.reading.found("rows.jsonl") is not None)
        if step == "advice":
            await until(pilot, lambda: app.screen.advice is not None)
        if screen == "settings":  # the first keys of the table: later ones come and go
            import tuner_tui.screens.settings

            monkeypatch.setattr(tuner_tui.screens.settings.keys, "KEYS", tuner_tui.screens.settings.keys.KEYS[:12])
        for key in pressed:
            await pilot.press(key)
        for shown in app.screen.query(Input):
            shown.cursor_blink = False
        if screen == "row":
            await until(pilot, lambda: str(app.screen.query_one("#tokens").render()))
        await pilot.pause(0.2)

    assert snap_compare(TunerApp(lang=lang, outside=StillOutside()), terminal_size=size, run_before=before)
