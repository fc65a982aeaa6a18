"""Foreign text cannot drive the screen, and no size of window breaks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from still_outside import MACHINE, WIZARD, StillOutside

from advisor.facts import Gpu, Hardware
from tuner_tui.app import TunerApp
from tuner_tui.keys import STEPS
from tuner_tui.model_folders import FoundModel
from tuner_tui.outside import Outside
from tuner_tui.probe.machine import GpuState

TRAP = (
    "[red]a[/x] \x1b[31m\x1b]0;t\x07\u202e\u200b\x00[@click=app.quit]b[/] 한글🙂⚠\ufe0f👩\u200d💻👍🏽\u3164"
    + "y" * 5000
)
DRIVES = set("\x1b\x07\x00\u202e\u200b\x9b\u3164")
UNSAFE = DRIVES | set("\u200d\ufe0f🏽")
"""What drives a terminal, and what terminals draw with different widths."""

HALF = STEPS[: STEPS.index("advice") + 1]


class TrapOutside(StillOutside):
    """Every text that comes from outside is a trap."""

    def probe(self) -> Any:
        gpu = GpuState(index=0, name=TRAP, vram_gb=24.0, free_gb=20.0)
        return msgspec.structs.replace(MACHINE, gpus=(gpu,), driver=TRAP, cuda=TRAP, nvml_error=TRAP)

    def inspect(self, path: str, lang: str, model: Any, test: Any, heard: Any) -> Any:
        return Outside.inspect(self, path, lang, model, test, heard)

    def local_models(self) -> list[Any]:
        return [FoundModel(id=TRAP, path=TRAP, source="cache", architecture=TRAP)]

    def recommend(self, facts: Any, lang: str, flips: bool) -> Any:
        advice = super().recommend(facts, lang, flips)
        reason = msgspec.structs.replace(advice.reasons[0], text=TRAP, source=TRAP)
        return msgspec.structs.replace(advice, reasons=[reason], plan=[TRAP])


def on_screen(app: TunerApp) -> str:
    """Everything that would be sent to the terminal, as text."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines[:height])[: width * height * 2]


@pytest.mark.parametrize("step", ["home", *HALF])
async def test_traps_from_outside_reach_the_screen_only_as_text(step: str, tmp_path: Path, until) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"instruction": TRAP, "output": TRAP, TRAP[:40]: TRAP}) + "\n")
    hardware = Hardware(gpus=[Gpu(name=TRAP, vram_gb=24.0)])
    facts = msgspec.structs.replace(WIZARD.facts, hardware=hardware)
    model = msgspec.structs.replace(facts.model, id=TRAP)
    facts = msgspec.structs.replace(facts, model=model)
    trapped = msgspec.structs.replace(
        WIZARD, facts=facts, simulated=True, model_path=TRAP, data_path=str(path), docs_path=TRAP, preferred=TRAP
    )
    app = TunerApp(lang="ko", outside=TrapOutside())
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.reading.machine is not None)
        app.change(trapped)
        if step != "home":
            app.open_step(step)
            await until(pilot, lambda: getattr(app.screen, "STEP", "") == step and app.screen.focused)
        await until(pilot, lambda: step != "data" or app.reading.inspections.get(str(path)) is not None)
        await until(pilot, lambda: step != "advice" or app.screen.advice is not None)
        await pilot.pause(0.2)
        assert not UNSAFE & set(on_screen(app))
        await pilot.press("f1")
        await pilot.pause(0.1)
        assert not UNSAFE & set(on_screen(app))
        assert app.is_running


async def test_a_pasted_escape_sequence_is_taken_out_of_a_field(until) -> None:
    from textual.events import Paste

    app = TunerApp(lang="en", outside=StillOutside())
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_step("data")
        await until(pilot, lambda: app.screen.query("#data_path") and app.screen.focused)
        app.screen.query_one("#data_path").post_message(Paste("/tmp/\x1b[31mrows\u202e.jsonl"))
        await until(pilot, lambda: app.wizard.data_path is not None)
        assert not UNSAFE & set(app.wizard.data_path)
        assert not UNSAFE & set(on_screen(app))


@pytest.mark.parametrize("step", ["home", *HALF])
async def test_any_size_at_any_moment(step: str, until) -> None:
    app = TunerApp(lang="ko", outside=StillOutside())
    async with app.run_test(size=(80, 24)) as pilot:
        app.change(WIZARD)
        if step != "home":
            app.open_step(step)
            await until(pilot, lambda: getattr(app.screen, "STEP", "") == step and app.screen.focused)
        for size in ((300, 100), (20, 6), (1, 1), (79, 23), (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("tab", "down")
        await pilot.pause()
        assert app.is_running
        assert (app.size.width, app.size.height) == (80, 24)


async def test_a_widget_that_forgot_to_clean_cannot_drive_the_terminal(until) -> None:
    from textual.widgets import Static

    app = TunerApp(lang="en", outside=StillOutside())
    async with app.run_test(size=(80, 24)) as pilot:
        await app.screen.mount(Static("x" + TRAP[:60], markup=False), before=0)
        await until(pilot, lambda: "\u241b" in on_screen(app))
        assert not DRIVES & set(on_screen(app))
