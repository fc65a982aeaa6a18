"""A full disk ends a run with its reason told and its last checkpoint whole; nothing that was acknowledged is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from advisor.errors import Refused
from advisor.recipe import ModelSpec, decode_recipe, encode_recipe
from tuner_tui.runs.directory import RunDir, create_run, list_runs
from tuner_tui.runs.events import EventKind, EventWriter
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.queue import Ticket
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import resume
from tuner_tui.runs.waiter import turn

WORDS_FULL = "disk"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB; skipped where mounting is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(disk: Path) -> Path:
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return path


def test_the_last_word_is_written_on_a_full_disk(disk: Path) -> None:
    path = disk / "events.jsonl"
    with EventWriter(path, reserve=True) as events:
        events.emit(EventKind.STEP, step=1, loss=1.0)
        fill(disk)
        events.emit(EventKind.GPU, device="cpu", note="x" * 9000)
        with pytest.raises(OSError, match="No space"):
            [events.emit(EventKind.STEP, step=step, note="x" * 500) for step in range(2, 10**6)]
        events.emit(EventKind.EXIT, reason="error", code=1, text="the disk is full")
    told = Follower(path).poll()
    assert [told[0]["t"], told[-1]["t"]] == ["step", "exit"]


def test_the_reserve_goes_with_the_writer(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "events.jsonl", reserve=True):
        assert (tmp_path / ".reserve").stat().st_size > 0
    assert not (tmp_path / ".reserve").exists()


def test_a_run_that_the_disk_cannot_hold_is_refused_before_it_starts(
    disk: Path,
    recipe_file: Path,
    tuner: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUNER_HOME", str(disk))
    done = tuner("run", str(recipe_file))
    assert done.returncode == 3
    assert "only 1 MiB are free" in done.stderr
    assert not list_runs()


def test_neither_the_app_nor_a_resume_nor_the_queue_starts_what_the_disk_cannot_hold(
    disk: Path,
    recipe_file: Path,
    tuner: Callable[..., subprocess.CompletedProcess[str]],
    start: Callable[[str], RunDir],
    until: Callable[[Callable[[], object]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crashed = start("dies_at_once")
    until(lambda: state_of(crashed).ended)
    model = ModelSpec(id=str(recipe_file.parent / "model"))
    recipe = msgspec.structs.replace(decode_recipe(recipe_file.read_text(), "r"), model=model)
    for path in (crashed.recipe_path, crashed.original_path):
        path.write_text(encode_recipe(recipe))
    monkeypatch.setenv("TUNER_HOME", str(disk))
    for attempt in (lambda: prepare(recipe, "r", recipe_file.parent), lambda: resume(crashed)):
        with pytest.raises(Refused, match="MiB are free"):
            attempt()
    assert tuner("queue", str(recipe_file)).returncode == 3
    assert turn(create_run(recipe), Ticket(since=0.0)).reason == "disk"


def test_nothing_starts_on_a_disk_that_was_mounted_read_only_and_that_is_said(
    disk: Path,
    recipe_file: Path,
    tuner: Callable[..., subprocess.CompletedProcess[str]],
    start: Callable[[str], RunDir],
    until: Callable[[Callable[[], object]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUNER_HOME", str(disk))
    crashed = start("dies_at_once")
    until(lambda: state_of(crashed).ended)
    subprocess.run(["mount", "-o", "remount,size=24m,ro", str(disk)], check=True)
    for args in (("resume", crashed.id), ("rehearse", str(recipe_file)), ("run", str(recipe_file))):
        done = tuner(*args)
        assert done.returncode == 2, done.stderr
        assert "Read-only file system" in done.stderr
        assert "cli.crashed" not in done.stderr
    assert state_of(crashed) is RunState.CRASHED


@pytest.mark.slow
def test_a_real_run_on_a_full_disk_says_so_and_resumes_when_there_is_space(
    tmp_path: Path, disk: Path, until: Callable[[Callable[[], object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, str(Path(__file__).with_name("tiny.py")), str(tmp_path / "tiny")], check=True)
    subprocess.run(["mount", "-o", "remount,size=24m", str(disk)], check=True)
    monkeypatch.setenv("TUNER_HOME", str(disk))
    recipe = tmp_path / "tiny" / "recipe.yaml"
    recipe.write_text(
        "label: ft/sft:full\nmodel: {id: model}\ndata: {train: sft.jsonl, eval: sft.eval.jsonl}\n"
        "train: {max_steps: 400, learning_rate: 0.001, micro_batch: 6, max_length: 64, save_steps: 20, threads: 1}\n"
        "evaluation: {metric: loss, max_items: 6, samples: 1, max_new_tokens: 4}\n"
    )
    command = [sys.executable, "-m", "tuner_tui"]
    subprocess.run([*command, "run", str(recipe), "--detach"], check=True, capture_output=True)
    run = list_runs()[0]
    until(lambda: list(run.checkpoints.glob("checkpoint-*")))
    filler = fill(disk)
    until(lambda: state_of(run).ended)
    assert state_of(run) is RunState.FAILED
    assert WORDS_FULL in (last_word(run) or "")
    assert list(run.checkpoints.glob("checkpoint-*"))
    assert not (run.checkpoints / ".partial").exists()
    filler.unlink()
    done = subprocess.run([*command, "resume", run.id], capture_output=True, text=True, timeout=1500)
    assert state_of(run) is RunState.FINISHED, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])["report"]
    assert report["steps"] == 400
    assert [check["passed"] for check in report["checks"] if check["id"] in ("steps", "finite")] == [True, True]


def last_word(run: RunDir) -> str | None:
    events = Follower(run.events_path).poll(100_000)
    return next((event["text"] for event in reversed(events) if event["t"] == "exit"), None)
