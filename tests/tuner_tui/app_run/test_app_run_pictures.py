"""The second half of the journey as pictures: both sizes, both languages, dark, light and no colour."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from advisor.recipe import DataSpec, EvalSpec, Metric, ModelSpec, Recipe, TrainSpec, encode_recipe
from tuner_tui.app import TunerApp
from tuner_tui.outside import Outside
from tuner_tui.runs.directory import RunDir, RunInfo
from tuner_tui.runs.events import EventKind, EventWriter
from tuner_tui.state import Wizard

VARIANTS = [
    pytest.param("en", (80, 24), "tuner-dark", False, id="en-80-dark"),
    pytest.param("ko", (120, 40), "tuner-dark", False, id="ko-120-dark"),
    pytest.param("ko", (80, 24), "tuner-light", False, id="ko-80-light"),
    pytest.param("en", (120, 40), "tuner-dark", True, id="en-120-no_color"),
]
SCREENS: dict[str, tuple[str, tuple[str, ...]]] = {
    "plan": ("plan", ()),
    "run": ("run", ()),
    "runs": ("run", ("ctrl+l",)),
    "results": ("results", ()),
    "losses": ("results", ("f8", "f8")),
    "compare": ("results", ("f6",)),
    "bakeoff": ("results", ("f7",)),
    "lanes": ("results", ("f7", "enter")),
    "rehearsal": ("plan", ("f7",)),
    "export": ("export", ()),
}
LAST = {
    "losses": "_tally",
    "runs": "_rows",
    "compare": "_standings",
    "bakeoff": "focused",
    "lanes": "_document",
    "rehearsal": "_found",
}
"""What a screen has once it is complete."""
RECIPE = Recipe(
    name="picture",
    label="ft/dpo:qlora",
    model=ModelSpec(id="Qwen/Qwen3-8B"),
    data=DataSpec(train="pairs.jsonl", eval="held_out.jsonl"),
    train=TrainSpec(max_steps=60, learning_rate=5e-5, beta=0.1),
    evaluation=EvalSpec(metric=Metric.PREFERENCE),
    why={"train.learning_rate": "DPO moves gently."},
)
# Written out, so that the picture does not change with every key that a recipe may have.
PLAN = """label: ft/dpo:qlora
model:
  id: Qwen/Qwen3-8B
data:
  train: pairs.jsonl
  eval: held_out.jsonl
train:
  max_steps: 60
  learning_rate: 0.00005
  beta: 0.1
evaluation:
  metric: preference_accuracy
why:
  label: 말투는 예시보다 선호로 배웁니다.
"""
GIB = 1 << 30
REHEARSED = (("forward", 15, 0.8), ("backward", 22, 1.9), ("optimizer", 23, 0.3), ("evaluate", 17, 2.2))
LANES = (("zero_shot", 0.516), ("few_shot", 0.641), ("ft", 0.938))
COMPARED = {
    "items": 64,
    "lanes": [
        {
            "label": name, "metric": "preference_accuracy", "score": score, "low": score - 0.08, "high": score + 0.05,
            "latency_ms": {"p50": 144.2, "p95": 200.9}, "tokens_per_request": 37.4, "peak_gb": 12.4, "groups": {},
            "difference_to_best": {"mean": 0.938 - score, "p": 0.001, "real": score < 0.9},
        }
        for name, score in LANES
    ],
    "verdict": {"text": "Tuning is best. 튜닝이 가장 좋습니다."},
    "answers": [
        {
            "question": "반품하고 싶어요.",
            "reference": "네, 도와드리겠습니다.",
            "lanes": {name: {"score": float(name == "ft"), "answer": "네, 도와드릴게요. " * 6} for name, _ in LANES},
        }
    ],
}  # fmt: skip
BEGAN = 1_767_225_600.0


class Still(Outside):
    """The real work, but for the machine, which is the same everywhere."""

    def probe(self) -> Any:
        from tests.tuner_tui.app.still_outside import MACHINE

        return MACHINE

    def prepare(self, recipe: Recipe, source: str) -> Recipe:
        """As it is: its data is not on any disk."""
        return recipe

    def rehearsing(self, recipe: Recipe) -> Any:
        """One that is over, and did not fit."""
        stages = [SimpleNamespace(name=name, peak_bytes=GIB * peak, seconds=each) for name, peak, each in REHEARSED]
        found = SimpleNamespace(
            fits=False, change={"train.micro_batch": 2, "train.grad_accum": 8}, stages=stages, text=None,
            peak_bytes=23 * GIB, device="cuda", estimate_bytes=21 * GIB,
        )  # fmt: skip
        return SimpleNamespace(look=lambda: found)

    def lanes(self, run: str) -> list[str]:
        """Those without documents."""
        return [name for name, _ in LANES]

    def bakeoff(self, run: str, lanes: list[str], goal: float, lang: str, heard: Any) -> dict[str, Any]:
        """Scored at once."""
        return COMPARED


def a_run(name: str, reason: str, after: float) -> RunDir:
    """A run directory as a run of sixty steps would have left it, at a fixed time."""
    from tuner_tui import paths

    run = RunDir(paths.runs() / name)
    run.path.mkdir(parents=True)
    run.recipe_path.write_text(encode_recipe(RECIPE))
    run.write_info(RunInfo(id=name, created=BEGAN + after, label=RECIPE.label, name=RECIPE.name))
    run.log_path.write_text("loading weights\n[red]not markup[/]\n")
    clock = iter(BEGAN + n / 4 for n in range(10_000))
    with EventWriter(run.events_path, clock=lambda: next(clock)) as events:
        tell(events, run.id)
        events.emit(EventKind.CHECKPOINT, step=60, path="checkpoints/60")
        events.emit(EventKind.EXIT, reason=reason, code=0, text="end")
    report(run, after)
    return run


def tell(events: EventWriter, run_id: str) -> None:
    events.emit(
        EventKind.START, id=run_id, label=RECIPE.label, objective="dpo", technique="qlora", total=60, model="m",
        device="NVIDIA RTX 4090", parameters=8_190_000_000, trainable=43_000_000, versions={"torch": "2.13.0"},
    )  # fmt: skip
    events.emit(EventKind.PHASE, name="train")
    for step in range(1, 61):
        events.emit(
            EventKind.STEP, step=step, total=60, epoch=step / 30, loss=0.69 * math.exp(-step / 25) + 0.02 * (step % 3),
            lr=5e-5 * (1 - step / 60), grad_norm=2.0 + math.sin(step), tokens=step * 900, tokens_per_s=912.4,
            step_s=0.98, rewards_margin=step / 40, rewards_accuracy=min(1.0, 0.5 + step / 90),
        )  # fmt: skip
        if step % 15 == 0:
            events.emit(EventKind.EVAL, step=step, loss=0.7 * math.exp(-step / 30) + 0.05)
            said = {"prompt": "반품하고 싶어요.", "base": "네.", "reference": "네, 도와드리겠습니다."}
            events.emit(EventKind.SAMPLE, step=step, text=f"네, 도와드릴게요. ({step})", **said)
            events.emit(
                EventKind.GPU, device="cuda:0", source="nvml", used_bytes=13 * GIB, total_bytes=24 * GIB,
                process_bytes=12 * GIB, util_pct=97.0, temp_c=64.0, power_w=312.0,
            )  # fmt: skip


def report(run: RunDir, after: float) -> None:
    score = {"metric": "preference_accuracy", "items": 64, "loss": 0.5}
    values = {"before": 0.516, "after": after}
    checks = [
        {"id": "steps", "passed": True, "text": "", "value": {"done": 60, "planned": 60}},
        {"id": "finite", "passed": True, "text": "", "value": {}},
        {"id": "score", "passed": after > 0.516, "text": "", "value": values},
    ]
    sample = {"prompt": "반품하고 싶어요.", "reference": "네, 도와드리겠습니다.", "before": "", "after": "[b]네[/b]"}
    claim = {
        "id": run.id, "label": RECIPE.label, "model": RECIPE.model.id, "success": after > 0.516, "checks": checks,
        "before": {**score, "score": 0.516, "low": 0.395, "high": 0.635},
        "after": {**score, "score": after, "low": after - 0.08, "high": min(1.0, after + 0.05)},
        "samples": [sample, sample], "steps": 60, "seconds": 58.8, "tokens": 54_000,
        "peak": {"bytes": 12 * GIB, "source": "nvml"}, "versions": {}, "recipe_sha256": "0" * 64,
        "numbers": dict.fromkeys(("before", "after", "steps", "seconds", "tokens", "peak"), "measured")
        | {"low": "computed", "high": "computed"},
    }  # fmt: skip
    run.report_path.write_text(json.dumps(claim))
    ways = ((0, 1), (0, 1), (1, 1), (1, 0), (0, 1), (0, 1), (1, 1), (0, 0))
    kept = [
        {**sample, "prompt": f"{n}. 반품하고 [i]싶어요[/i].", "score_before": before, "score_after": after}
        for n, (before, after) in enumerate(ways * 8, 1)
    ]
    run.answers_path.write_text("".join(json.dumps(row) + "\n" for row in kept))


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
    home: Path,
) -> None:
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    step, pressed = SCREENS[screen]
    kept = a_run("20260101-0000-picture-aaaa", "done", 0.938)
    stopped = a_run("20260101-0000-picture-bbbb", "stopped", 0.71)

    async def before(pilot: Any) -> None:
        app = pilot.app
        app.theme = theme

        async def until(condition: Callable[[], Any]) -> None:
            end = time.monotonic() + 60
            while not condition():
                assert time.monotonic() < end, "deadline passed"
                await pilot.pause(0.02)

        # Until it is an answer too: one that came later would mark its step as done in some pictures only.
        await until(lambda: app.wizard.facts.hardware.gpus is not None)
        run_id = stopped.id if step == "run" else kept.id
        app.change(structs.replace(Wizard(), recipe=PLAN if step == "plan" else None, run_id=run_id))
        app.open_step(step)
        ready = {
            "plan": lambda: app.screen._recipe is not None and app.screen._asked is not None,
            "run": lambda: app.screen._now is not None and app.screen.query_one("#loss").curves,
            "results": lambda: app.screen._outcome is not None,
            "export": lambda: app.screen._targets,
        }
        await until(lambda: getattr(app.screen, "STEP", "") == step and ready[step]())
        for key in pressed:
            await pilot.press(key)
            await pilot.pause()
        if pressed:
            await until(lambda: getattr(app.screen, LAST[screen], None))
        for shown in app.screen.query("Input, TextArea"):
            shown.cursor_blink = False
            if shown.id == "out":
                shown.value = "exports"
        await pilot.pause(0.3)

    assert snap_compare(TunerApp(lang=lang, outside=Still()), terminal_size=size, run_before=before)
