"""A rehearsal measures every stage on the longest rows, leaves no trace, and names what makes a run fit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advisor.recipe import recipe_from
from tuner_tui.runs import rehearsal
from tuner_tui.runs.directory import Rehearse, RunDir, create_run, list_runs
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.rehearsed import rehearsal_of
from tuner_tui.runs.state import RunState
from tuner_tui.runs.supervisor import launch, resume, wait
from tuner_tui.runs.watch import glance

STAGES = ["load", "prepare", "forward", "backward", "optimizer", "evaluate", "save", "resume", "generate"]
STARVED = Path(__file__).with_name("starved.py")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, str(Path(__file__).with_name("tiny.py")), str(folder)], check=True)
    return folder


def recipe_of(folder: Path, label: str = "ft/sft:lora", **train: Any) -> dict[str, Any]:
    data = "sft" if "sft" in label else "dpo"
    return {
        "label": label,
        "model": {"id": str(folder / "model")},
        "data": {"train": str(folder / f"{data}.jsonl"), "eval": str(folder / f"{data}.eval.jsonl")},
        "adapter": {"rank": 4, "alpha": 8, "dropout": 0.1},
        "train": {"micro_batch": 6, "max_length": 64, "threads": 1, "max_steps": 6, "eval_steps": 3, **train},
        "evaluation": {"metric": "loss", "max_items": 4, "samples": 1, "max_new_tokens": 4},
    }


def ran(raw: dict[str, Any], wish: Rehearse, script: Path | None = None) -> RunDir:
    run = create_run(prepare(recipe_from(raw, "test"), "test"), rehearse=wish)
    launch(run, command=script and [sys.executable, str(script), str(run.path)], keep=())
    wait(run, 300)
    return run


def made_by(run: RunDir) -> tuple[list[Any], bytes]:
    """Every number that the run told of its steps and evaluations, and its weights."""
    events = Follower(run.events_path).poll(100_000)
    told = [(e["t"], e.get("step"), e.get("loss"), e.get("grad_norm"), e.get("score"), e.get("text")) for e in events]
    folder = run.adapter if run.adapter.exists() else run.model
    return [each for each in told if each[0] in ("step", "eval", "sample")], next(
        folder.glob("*.safetensors")
    ).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("micro_batch", [6, 1], ids=["more rows than the file has", "fewer rows than the file has"])
def test_every_stage_is_measured_and_nothing_is_left(micro_batch: int, tmp_path: Path, home: Path, tiny: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(recipe_of(tiny, micro_batch=micro_batch, grad_accum=1, batching="grouped")))
    command = [sys.executable, "-m", "tuner_tui", "rehearse", str(path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [stage["name"] for stage in found["stages"]] == STAGES
    assert found["fits"] is True
    assert found["change"] is None
    assert found["peak_bytes"] == max(stage["peak_bytes"] for stage in found["stages"]) > 0
    assert not list_runs()
    assert not list((home / "rehearsals").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("label", ["ft/sft:full", "ft/sft:lora", "ft/sft:qlora", "ft/dpo:lora", "ft/sft>dpo:lora"])
def test_a_run_is_the_same_with_and_without_its_rehearsal_bit_for_bit(label: str, home: Path, tiny: Path) -> None:
    raw = recipe_of(tiny, label, learning_rate=3e-3)
    if ">" in label:
        pairs = {"train": str(tiny / "dpo.jsonl"), "eval": str(tiny / "dpo.eval.jsonl")}
        raw["stages"] = [{"objective": "sft"}, {"objective": "dpo", "data": pairs}]
    with_it, without = ran(raw, Rehearse.FIRST), ran(raw, Rehearse.SKIP)
    found = rehearsal_of(with_it)
    assert found is not None
    assert [stage.name for stage in found.stages] == STAGES
    assert rehearsal_of(without) is None
    assert made_by(with_it) == made_by(without)


@pytest.mark.slow
def test_what_does_not_fit_is_refused_with_the_smallest_change_and_goes_on_when_it_is_taken(
    home: Path, tiny: Path
) -> None:
    run = ran(recipe_of(tiny, grad_accum=1), Rehearse.FIRST, STARVED)
    view, found = glance(run), rehearsal_of(run)
    assert (view.exit_code, view.step) == (3, 0)
    assert "--set train.micro_batch=1 --set train.grad_accum=6." in (view.exit_text or "")
    assert found is not None
    assert found.change == {"train.micro_batch": 1, "train.grad_accum": 6}
    resume(run, command=[sys.executable, str(STARVED), str(run.path), "--resume"], rehearse=Rehearse.FIT)
    assert wait(run, 300) is RunState.FINISHED
    report = run.report()
    assert report is not None
    assert report["adjusted"]["micro_batch"] == 1
    assert report["rehearsal"]["peak_bytes"] == found.peak_bytes


@pytest.mark.slow
@pytest.mark.parametrize("wish", [Rehearse.FIT, Rehearse.SKIP], ids=["in the rehearsal", "in training"])
def test_sequences_are_shortened_only_once_somebody_agrees(
    wish: Rehearse, home: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row is too long for memory, even alone: what would fit is named, and taken when it was agreed to."""
    monkeypatch.setenv("TUNER_STARVED_TOKENS", "70")
    raw = recipe_of(tiny, micro_batch=2, grad_accum=1, max_length=128, max_steps=12)
    rows = tmp_path / "long.jsonl"
    long = {"instruction": "say all of them", "output": "apple bread chair dream earth flame " * 16}
    rows.write_text((tiny / "sft.jsonl").read_text() + json.dumps(long) + "\n")
    raw["data"]["train"] = str(rows)
    run = ran(raw, wish, STARVED)
    view, done = glance(run), glance(run).step
    assert view.exit_code == (3 if wish is Rehearse.FIT else 1)
    assert "--shorter" in (view.exit_text or "")
    if wish is Rehearse.FIT:
        assert "--set train.max_length=5" in (view.exit_text or "")
        resume(run, command=[sys.executable, str(STARVED), str(run.path), "--resume"], rehearse=Rehearse.FIT)
        assert wait(run, 300) is RunState.FAILED, "smaller pieces were agreed to, not shorter rows"
    resume(run, command=[sys.executable, str(STARVED), str(run.path), "--resume"], shorter=True)
    assert wait(run, 300) is RunState.FINISHED, run.log_path.read_text()[-2000:]
    events = Follower(run.events_path).poll(100_000)
    assert "shortened" in [event["code"] for event in events if event["t"] == "warn"]
    assert [event["step"] for event in events if event["t"] == "step"] == list(range(1, 13)), f"{done} were kept"
    report = run.report()
    assert report is not None
    assert report["adjusted"]["max_length"] in range(48, 65)
    assert "max_length" in (run.path / "report.html").read_text()


def test_a_rehearsal_that_is_gone_without_a_word_says_so_and_keeps_its_log(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(run: RunDir) -> None:
        launch(run, command=[sys.executable, "-c", "print('the last line'); import os; os.kill(os.getpid(), 9)"])

    monkeypatch.setattr(rehearsal, "launch", dies)
    recipe = recipe_from({"label": "ft/sft:lora", "model": {"id": "m"}, "data": {"train": "t"}}, "test")
    found = rehearsal.rehearse(recipe)
    kept = home / "rehearsals" / "output.log"
    assert (found.fits, found.exit_code) == (False, 1)
    assert str(kept) in (found.text or "")
    assert "the last line" in kept.read_text()
    assert [path.name for path in (home / "rehearsals").iterdir()] == ["output.log"]
