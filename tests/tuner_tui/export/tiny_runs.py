"""What the export tests are made of: a tiny model, small recipes, real runs and exports in their own processes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.tuner_tui.small_model import MARKS, save

COLOURS = ["red", "blue", "green", "파랑", "노랑", "검정"]
MakeRun = Callable[..., Path]


def run_module(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m ...` in a fresh process with one thread."""
    command = [sys.executable, "-m", *map(str, args)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1", "TUNER_LANG": "en", **env}
    )


def make_model(folder: Path) -> None:
    """The tests' small model with a token for every byte."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = Tokenizer(models.BPE({token: index for index, token in enumerate([*MARKS, *letters])}, []))
    tokens.add_special_tokens(MARKS)
    save(folder, tokens, tied=False)


def train(
    world: Path, folder: Path, label: str, data: str, steps: int, adapter: dict[str, Any], numbers: dict[str, Any]
) -> Path:
    """One real run in `folder`; `numbers` are other values of the recipe's `train`, or of the part before their dot."""
    recipe = recipe_of(world, label, data, steps, adapter)
    for key, value in numbers.items():
        part, _, name = key.rpartition(".")
        if name == "stages":
            recipe[name] = value
        else:
            recipe.setdefault(part or "train", {})[name] = value
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    done = run_module("tuner_tui.training", folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def recipe_of(world: Path, label: str, data: str, steps: int, adapter: dict[str, Any]) -> dict[str, Any]:
    """A small recipe with plain numbers that differ from every library's default."""
    return {
        "version": 1,
        "name": "tiny",
        "label": label,
        "seed": 11,
        "model": {"id": str(world / "model")},
        "data": {"train": str(world / f"{data}.jsonl"), "eval_fraction": 0.25},
        "adapter": {"rank": 4, "alpha": 12, **adapter},
        "train": {
            "max_steps": steps,
            "learning_rate": 0.01,
            "scheduler": "linear",
            "warmup_ratio": 0.25,
            "weight_decay": 0.01,
            "micro_batch": 4,
            "grad_accum": 2,
            "max_length": 96,
            "threads": 1,
        },
        "evaluation": {"metric": "loss", "max_items": 8, "max_new_tokens": 12, "samples": 3},
    }


def losses(run: Path) -> list[float]:
    """The training losses that a run reported, in order."""
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event["loss"] for event in map(json.loads, lines) if event["t"] == "step"]


def export(source: object, target: str, out: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """What the export child does, in this process, which has the heavy libraries loaded: code, document, words."""
    import argparse

    import msgspec

    from tuner_tui.export.__main__ import answer

    args = argparse.Namespace(source=str(source), to=target, out=out, overwrite="--overwrite" in options)
    code, done, words = answer(args, "en")
    return code, {} if done is None else msgspec.to_builtins(done), words
