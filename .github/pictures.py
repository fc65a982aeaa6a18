"""Make the pictures of the README: walk the practice journey by keys, for real, and keep what the screen shows.

`python .github/pictures.py [--lang en|ko]` writes run.svg and walk.svg beside this file. Nothing is staged: the run is
a real one, so it takes as long as `make demo`.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SIZE = (110, 34)
FRAME_S = 3.0
WITHIN_S = 1800.0

Frames = list[tuple[str, str]]


async def reach(pilot: Any, condition: Callable[[], Any]) -> None:
    """Let the app work until the condition holds."""
    end = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("the app never got there")
        await pilot.pause(0.1)


async def walk(lang: str) -> tuple[Frames, str]:
    """Frames of the whole journey, and the run screen a good way into the run."""
    from tuner_tui.app import TunerApp
    from tuner_tui.keys import STEPS

    frames: Frames = []
    app = TunerApp(demo=True, lang=lang)
    async with app.run_test(size=SIZE) as pilot:

        async def keep(step: str) -> None:
            await pilot.pause(1.0)
            frames.append((app.say(f"step.{step}.title"), app.export_screenshot(title="tuner demo")))

        for step in STEPS[: STEPS.index("run")]:
            await reach(pilot, lambda step=step: getattr(app.screen, "STEP", "") == step)
            await pilot.pause(3.0)
            if step == "advice":
                await reach(pilot, lambda: app.screen.advice is not None)
            await keep(step)
            while getattr(app.screen, "STEP", "") == step:  # a step that is still computing takes no Enter
                await pilot.press("enter")
                await pilot.pause(2.0)
        await reach(pilot, lambda: getattr(app.screen, "STEP", "") == "run")
        await reach(pilot, lambda: share(app) > 0.3)
        await keep("run")
        await reach(pilot, lambda: share(app) > 0.8)
        await keep("run")
        picture = frames[-1][1]
        await reach(pilot, lambda: state(app) not in ("queued", "running", "stale"))
        await keep("run")
        await pilot.press("enter")
        await reach(pilot, lambda: getattr(app.screen, "STEP", "") == "results")
        await pilot.pause(5.0)
        await keep("results")
        await pilot.press("enter")
        await reach(pilot, lambda: getattr(app.screen, "STEP", "") == "export")
        await keep("export")
    return frames, picture


def state(app: Any) -> str:
    """The run's true state."""
    return str(app.outside.state_of(app.outside.find_run(app.wizard.run_id))) if app.wizard.run_id else "queued"


def share(app: Any) -> float:
    """How much of the run is done; 2 when it has ended early."""
    if state(app) not in ("queued", "running", "stale"):
        return 2.0
    if not app.wizard.run_id:
        return 0.0
    text = app.outside.find_run(app.wizard.run_id).events_path
    found = re.findall(rb'"step":(\d+),"total":(\d+)', text.read_bytes() if text.is_file() else b"")
    return int(found[-1][0]) / int(found[-1][1]) if found else 0.0


def animated(frames: Frames) -> str:
    """One SVG that shows the frames in turn, with names for screen readers."""
    box = re.search(r'viewBox="([^"]+)"', frames[0][1])
    total = FRAME_S * len(frames)
    shown = 100 / len(frames)
    style = f"@keyframes turn {{ 0%, {shown:.3f}% {{ opacity: 1 }} {shown + 0.01:.3f}%, 100% {{ opacity: 0 }} }}"
    style += f" .frame {{ opacity: 0; animation: turn {total:g}s step-end infinite }}"
    parts = []
    for number, (title, svg) in enumerate(frames):
        inner = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", svg, flags=re.DOTALL)
        delay = f'style="animation-delay:{number * FRAME_S - total if number else 0:g}s"'
        parts.append(f'<g class="frame" {delay}><title>{html.escape(title)}</title>{inner}</g>')
    view = box.group(1) if box else "0 0 1400 900"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}"><style>{style}</style>{"".join(parts)}</svg>\n'


def placeless(svg: str) -> str:
    """Where this checkout lies is nobody's business; the name that stands for it is as long, so that rows stay put."""
    root = str(HERE.parent)
    filler = ("my/" * len(root))[: max(0, len(root) - len("~/tuner"))]
    return svg.replace(root, f"~/{filler}tuner"[-len(root) :] if len(root) >= len("~/tuner") else "~")


def main() -> None:
    """Walk, then write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", choices=("en", "ko"), default="en")
    lang = parser.parse_args().lang
    with tempfile.TemporaryDirectory() as home:
        os.environ["TUNER_HOME"] = home
        os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
        frames, picture = asyncio.run(walk(lang))
    (HERE / "run.svg").write_text(placeless(picture), encoding="utf-8")
    (HERE / "walk.svg").write_text(placeless(animated(frames)), encoding="utf-8")


if __name__ == "__main__":
    main()
