"""The bake-off window: it begins when told to, shows how far each lane is, ends at once, and draws only text."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from advisor.facts import Tried
from tests.tuner_tui.app_run.conftest import Opened, text_of
from tuner_tui import bakeoff
from tuner_tui.outside import Outside
from tuner_tui.reading import Cancelled
from tuner_tui.runs.directory import RunDir
from tuner_tui.words import words

TRAP = "[red]x[/] \x1b]52;c;ZQ==\x07\x1b[31m \u202e\u2066rtl 한글 🦊 \x00" + "길" * 300
LANES = ("zero_shot", "few_shot", "ft")


def lane(name: str, score: float) -> dict[str, Any]:
    return {
        "label": name, "metric": "regex", "score": score, "low": score, "high": score,
        "latency_ms": {"p50": 144.2, "p95": 200.9}, "tokens_per_request": 37.4, "peak_gb": 0.44,
        "also": {"bleu": 0.371}, "groups": {TRAP: score},
        "difference_to_best": {"mean": 1 - score, "p": 0.001, "real": score < 1},
    }  # fmt: skip


DOCUMENT = {
    "items": 2,
    "lanes": [lane("zero_shot", 0.0), lane("few_shot", 0.125), lane("ft", 1.0)],
    "verdict": {"text": f"Tuning is best. {TRAP}"},
    "history": {"prompting": "insufficient", "sft": "works"},
    "answers": [
        {"question": f"{at} {TRAP}", "reference": TRAP,
         "lanes": {name: {"score": at * (name == "ft"), "answer": TRAP, "cites": TRAP, "blame": "answer"}
                   for name in LANES}}
        for at in range(2)
    ],
}  # fmt: skip


class Held(Outside):
    """A comparison that waits for the test before each lane."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.goal: float | None = None
        self.ended = False

    def lanes(self, run: str) -> list[str]:
        return list(LANES)

    def bakeoff(self, run: str, lanes: list[str], goal: float, lang: str, heard: Any) -> dict[str, Any]:
        self.goal = goal
        try:
            for name in lanes:
                heard({"t": "lane", "lane": name, "items": 2})
                heard({"t": "item", "lane": name, "done": 1, "items": 2})
                while not self.go.acquire(timeout=0.02):
                    heard(None)
                heard({"t": "scored", "lane": name, "score": 0.5, "low": 0.25, "high": 0.75})
        except Cancelled:
            self.ended = True
            raise
        return DOCUMENT


async def open_window(app: Any, pilot: Any, until: Any, outside: Held) -> None:
    app.outside = outside
    await until(lambda: "It worked" in text_of(app) or "효과가 있었습니다" in text_of(app))
    await pilot.press("f7")
    await until(lambda: app.screen.query("#begin") and app.screen.focused)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (300, 100)])
async def test_each_lane_is_followed_and_nothing_foreign_drives_the_screen(
    opened: Opened, start: Callable[..., RunDir], size: tuple[int, int], lang: str
) -> None:
    run, outside, say = start("success"), Held(), words(lang).say
    async with opened("results", size=size, lang=lang, run_id=run.id) as (app, pilot, until):
        await open_window(app, pilot, until, outside)
        await pilot.press("left", "enter")
        await until(lambda: "1/2" in text_of(app))
        assert outside.goal == 0.8
        assert text_of(app).count(say("bakeoff.waits")) == 2
        for _ in LANES:
            outside.go.release()
        await until(lambda: "Tuning is best." in text_of(app))
        for key in ("f5", "f6", "f5"):
            await pilot.press(key)
            shown = text_of(app)
            assert not {"\x1b", "\x07", "\x00", "\u202e", "\u2066"} & set(shown)
            assert all(cell_len(row) == size[0] for row in shown.split("\n"))
        for head in (say("compare.table.lane"), words(lang).metric("regex"), say("compare.lane.few_shot"), "0.125"):
            assert head in shown
        rows = [row for row in shown.split("\n") if say("compare.lane.few_shot") in row and "0.125" in row]
        assert "0.125 … 0.125" in rows[0], "a lane is one row"
        await pilot.press("shift+tab", "end")
        await until(lambda: "BLEU" in text_of(app) and "0.371" in text_of(app))
        tried = app.wizard.facts.history
        assert (tried.prompting, tried.rag, tried.sft) == (Tried.INSUFFICIENT, None, Tried.WORKS)
        await pilot.press("f2")
        await until(lambda: words({"en": "ko", "ko": "en"}[lang]).say("compare.lane.ft") in text_of(app))


async def test_leaving_ends_the_work_at_once(opened: Opened, start: Callable[..., RunDir]) -> None:
    run, outside = start("success"), Held()
    async with opened("results", run_id=run.id) as (app, pilot, until):
        await open_window(app, pilot, until, outside)
        await pilot.press("enter")
        await until(lambda: "1/2" in text_of(app))
        await pilot.press("escape")
        await until(lambda: outside.ended and getattr(app.screen, "STEP", "") == "results")


def test_a_silent_child_is_ended_within_a_beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real pipe and a real process that says one line and then works on without a word."""
    script = tmp_path / "child.py"
    script.write_text(
        "import os, sys, time\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        'print(\'{"t":"lane","lane":"ft","items":3}\', flush=True)\n'
        "time.sleep(600)\n"
    )
    begun = subprocess_of(script, monkeypatch)
    heard: list[Any] = []

    def hear(event: Any) -> None:
        heard.append(event)
        if event is None and len(heard) > 1:
            raise Cancelled

    (tmp_path / "request").write_text(json.dumps({}))
    with pytest.raises(Cancelled):
        bakeoff._run(tmp_path / "request", tmp_path / "log", words("en"), lambda line: None, hear)
    assert time.monotonic() - begun < 10
    assert {"t": "lane", "lane": "ft", "items": 3} in heard
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def subprocess_of(script: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """Let the comparison start this script; when that was."""
    wrapper = script.with_name("python")
    wrapper.write_text(f"#!/bin/sh\nexec {sys.executable} {script}\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(bakeoff.sys, "executable", str(wrapper))
    return time.monotonic()
