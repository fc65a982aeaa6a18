"""Out of memory is survived: the same run goes on with smaller pieces, the same effective batch, and says so."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import InputError
from advisor.recipe import encode_recipe, recipe_from
from tuner_tui.runs.adjust import adjusted, agree, changed, keep_length, shorten, shrink, smaller
from tuner_tui.runs.directory import Rehearse, RunDir, create_run
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.state import RunState
from tuner_tui.runs.supervisor import launch, wait

PLANT = Path(__file__).parents[3] / "samples" / "runs" / "plant.py"
RAW: dict[str, Any] = {
    "label": "ft/sft:lora",
    "model": {"id": "model"},
    "data": {"train": "sft.jsonl", "eval": "sft.eval.jsonl"},
    "train": {
        "max_steps": 60,
        "learning_rate": 0.01,
        "micro_batch": 6,
        "max_length": 64,
        "save_steps": 25,
        "threads": 1,
    },
    "evaluation": {"metric": "loss", "max_items": 6, "samples": 1, "max_new_tokens": 4},
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((8, 1, False), (4, 2, False)),
        ((6, 2, False), (3, 4, False)),
        ((5, 1, False), (1, 5, False)),
        ((1, 8, False), (1, 8, True)),
    ],
)
def test_the_next_smaller_way_keeps_the_effective_batch(
    before: tuple[int, int, bool], after: tuple[int, int, bool]
) -> None:
    names = ("micro_batch", "grad_accum", "grad_ckpt")
    train = recipe_from({**RAW, "train": dict(zip(names, before, strict=True))}, "test").train
    found = smaller(train)
    assert found is not None
    assert (found.micro_batch, found.grad_accum, found.grad_ckpt) == after
    assert found.micro_batch * found.grad_accum == train.micro_batch * train.grad_accum


def test_there_is_an_end_to_smaller_ways_and_the_next_attempt_knows_them(tmp_path: Path) -> None:
    run, recipe = RunDir(tmp_path), recipe_from(RAW, "test")
    seen = []
    while shrink(run, recipe) is not None:
        recipe = adjusted(run, recipe)
        seen.append((recipe.train.micro_batch, recipe.train.grad_accum, recipe.train.grad_ckpt))
    assert seen == [(3, 2, False), (1, 6, False), (1, 6, True)]


def test_shorter_rows_wait_until_somebody_agrees(tmp_path: Path) -> None:
    run, recipe = RunDir(tmp_path), recipe_from({**RAW, "train": {**RAW["train"], "max_length": 512}}, "test")
    run.recipe_path.write_text(encode_recipe(recipe))
    assert shorten(run, recipe, 300, agreed=False) is not None
    assert changed(run) == {"train.max_length": 150}
    assert adjusted(run, recipe).train.max_length == 150
    keep_length(run)
    assert adjusted(run, recipe) == recipe
    assert agree(run).max_length == 256, "half of what the run used"
    keep_length(run)
    assert adjusted(run, recipe).train.max_length == 256, "what was agreed to stays"
    assert shrink(run, recipe) is not None
    assert adjusted(run, recipe).train.max_length == 256, "whatever else becomes smaller"
    with pytest.raises(InputError, match="32 tokens"):
        [agree(run) for _ in range(8)]


def events_of(run: RunDir) -> list[dict[str, Any]]:
    return Follower(run.events_path).poll(100_000)


def started(
    folder: Path,
    changes: dict[str, Any],
    command: list[str],
    train: str = "sft.jsonl",
    rehearse: Rehearse = Rehearse.FIRST,
) -> RunDir:
    subprocess.run([sys.executable, str(Path(__file__).with_name("tiny.py")), str(folder)], check=True)
    data = {**RAW["data"], "train": train}
    recipe = recipe_from({**RAW, "data": data, "train": {**RAW["train"], **changes}}, "test")
    run = create_run(prepare(recipe, "test", folder), rehearse=rehearse)
    launch(run, command=[*command, str(run.path)])
    return run


@pytest.mark.slow
def test_a_planted_out_of_memory_is_survived(tmp_path: Path) -> None:
    run = started(tmp_path / "tiny", {}, [sys.executable, "-P", str(PLANT), "memory"])
    first = run.info()
    assert wait(run, 240) is RunState.FINISHED
    events = events_of(run)
    assert [event["code"] for event in events if event["t"] == "warn"].count("ran_out") == 2
    steps = [event["step"] for event in events if event["t"] == "step"]
    assert steps == list(range(1, 61)), "nothing done is done again: the steps so far were saved"
    last = run.info()
    assert first is not None
    assert last is not None
    assert first.identity == last.identity
    report = json.loads(run.report_path.read_text())
    assert report["adjusted"] == {
        "micro_batch": 1,
        "grad_accum": 6,
        "grad_ckpt": False,
        "times": 2,
        "max_length": None,
        "agreed": False,
    }
    assert report["success"] is True


LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""
LIMIT_BYTES = 3 << 30


@pytest.mark.slow
@pytest.mark.parametrize("rehearse", [Rehearse.FIT, Rehearse.SKIP], ids=["in the rehearsal", "in training"])
def test_a_real_limit_on_memory_is_survived(tmp_path: Path, rehearse: Rehearse) -> None:
    """The system refuses the memory: what the process may allocate is limited."""
    command = [sys.executable, "-c", LIMITED, str(LIMIT_BYTES), sys.executable, "-P", "-m", "tuner_tui.training"]
    long = {"instruction": "say", "output": "apple bread chair dream " * 12}
    (tmp_path / "long.jsonl").write_text("".join(json.dumps({**long, "id": at}) + "\n" for at in range(4096)))
    changes = {"micro_batch": 4096, "max_steps": 2, "max_length": 128}
    run = started(tmp_path / "tiny", changes, command, str(tmp_path / "long.jsonl"), rehearse)
    assert wait(run, 1800) is RunState.FINISHED, run.log_path.read_text()[-2000:]
    code = "rehearsed_smaller" if rehearse is Rehearse.FIT else "ran_out"
    assert code in [event["code"] for event in events_of(run) if event["t"] == "warn"]
    assert json.loads(run.report_path.read_text())["adjusted"]["micro_batch"] < 4096
