"""Two processes make the steps of one, wrapped as it was asked for; a launch that quietly did less is refused."""

import os
import subprocess
from pathlib import Path
from typing import Any

import little
import pytest
import yaml

from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.supervisor import child_command

TRAIN = {"max_steps": 4, "learning_rate": 0.01, "micro_batch": 4, "grad_accum": 2, "max_length": 48, "threads": 1}


def run(world: Path, folder: Path, label: str, **launch: Any) -> Path:
    """A real run by the command that the supervisor starts."""
    made = little.recipe(world, label, "pairs", "loss", train=TRAIN, launch=launch)
    folder.mkdir()
    (folder / "recipe.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    command = child_command(RunDir(folder))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, (done.stderr[-3000:], little.events(folder, "exit"))
    return folder


def losses(found: Path) -> list[float]:
    return [event["loss"] for event in little.events(found, "step")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("label", "strategy", "wrapped"),
    [("ft/sft:lora", "ddp", "DistributedDataParallel"), ("ft/sft:full", "fsdp2", "FSDP")],
)
def test_two_processes_get_the_loss_of_one_within_rounding(
    world: Path, tmp_path: Path, label: str, strategy: str, wrapped: str
) -> None:
    one = run(world, tmp_path / "one", label)
    two = run(world, tmp_path / "two", label, processes=2, strategy=strategy)
    assert len(losses(one)) == TRAIN["max_steps"]
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    assert [{each["rank"] for each in event["ranks"]} for event in little.events(two, "ranks")] == [{0, 1}] * 4
    assert little.events(two, "start")[0]["processes"] == 2
    (told,) = [event["text"] for event in little.events(two, "warn") if event["code"] == "spread"]
    assert wrapped in told
    after = [little.report(each)["after"]["loss"] for each in (one, two)]
    assert after[1] == pytest.approx(after[0], rel=1e-3)


def test_a_launch_of_fewer_processes_than_the_recipe_asks_for_is_refused(world: Path, tmp_path: Path) -> None:
    made = little.recipe(world, "ft/sft:lora", "pairs", "loss", train=TRAIN, launch={"processes": 2})
    assert little.start(tmp_path / "run", made) == 2
    assert "training.world" in little.events(tmp_path / "run", "exit")[0]["text"]


@pytest.mark.parametrize(("size", "kind"), [(1, "DistributedDataParallel"), (2, "PeftModel")])
def test_less_than_the_launch_asked_for_is_seen_before_the_first_step(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, kind: str
) -> None:
    import torch.distributed as dist
    from msgspec import convert
    from torch import nn

    from advisor.recipe import Recipe
    from tuner_tui.training.job import Job
    from tuner_tui.training.spread import check_wrapped

    class Trainer:
        model_wrapped = type(kind, (nn.Linear,), {})(2, 2)

    monkeypatch.setattr(dist, "is_initialized", lambda: True)
    monkeypatch.setattr(dist, "get_world_size", lambda: size)
    recipe = convert(little.recipe(world, "ft/sft:lora", "pairs", "loss", launch={"processes": 2}), Recipe)
    job = Job(run=RunDir(tmp_path), recipe=recipe, events=None, words=None, world=2)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="asked for 2 x DistributedDataParallel"):
        check_wrapped(job, Trainer())
