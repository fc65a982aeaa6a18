"""What our training costs beside a plain TRL script, and what its defaults gain: ratios within one run.

Both are real processes, started in turn, and each figure is the best of ROUNDS: what other work on the machine takes
away is not ours. The rehearsal and the held-out baseline that come before our first step are told apart: the plain
script has neither.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import yaml

PLAIN = Path(__file__).with_name("plain_trl.py")
ROUNDS = 3
STEPS, WARM = 40, 5
STEP_RATIO, FIRST_RATIO, TOKENS_RATIO = 0.99, 1.1, 2.0

pytestmark = pytest.mark.slow


def planned(folder: Path, **changes: Any) -> Path:
    """The practice recipe for supervised tuning with LoRA, as our rules plan it."""
    path = folder / "recipe.yaml"
    asked = [f"--set={key}={value}" for key, value in changes.items()]
    tuner(folder, "plan", "--practice", "--label", "ft/sft:lora", "--out", str(path), *asked)
    return path


def tuner(folder: Path, *args: str) -> str:
    environ = {**os.environ, "TUNER_HOME": str(folder / "home"), "TUNER_LANG": "en"}
    done = subprocess.run([sys.executable, "-m", "tuner_tui", *args], capture_output=True, text=True, env=environ)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def ours(folder: Path, recipe: Path) -> dict[str, Any]:
    """What the run's own events say of it, in the plain script's terms."""
    found = json.loads(tuner(folder, "run", str(recipe), "--json").splitlines()[-1])
    run = Path(found["dir"])
    events = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = [event for event in events if event["t"] == "step"]
    phases = {event["name"]: event["at"] for event in events if event["t"] == "phase"}
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return {
        "first_step_s": steps[0]["at"] - info["launched"],
        "rehearsal_s": phases["baseline"] - phases["rehearse"],
        "baseline_s": phases["train"] - phases["baseline"],
        "ends": [step["at"] for step in steps],
        "tokens": [step["tokens"] for step in steps],
    }


def plain(recipe: Path, mode: str) -> dict[str, Any]:
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run([sys.executable, str(PLAIN), str(recipe), mode], capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def step_s(run: dict[str, Any]) -> float:
    """The median step after the warm ones."""
    ends = run["ends"][WARM:]
    return median(later - earlier for earlier, later in pairwise(ends))


def tokens_per_s(run: dict[str, Any]) -> float:
    """Tokens that are no padding, by second, after the warm steps."""
    return (run["tokens"][-1] - run["tokens"][WARM]) / (run["ends"][-1] - run["ends"][WARM])


def test_watching_costs_under_a_percent_and_the_first_step_comes_as_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"train.max_steps": STEPS, "train.threads": 1, "train.batching": "padded", "train.patience": "null"}
    quiet = {"train.keep_best": "false", "train.eval_steps": STEPS, "train.save_steps": STEPS, "evaluation.samples": 0}
    recipe = planned(tmp_path, **changes, **quiet)
    pairs = [(ours(tmp_path, recipe), plain(recipe, "recipe")) for _ in range(ROUNDS)]
    mine_s, theirs_s = (min(step_s(pair[at]) for pair in pairs) for at in (0, 1))
    first = min(mine["first_step_s"] - mine["rehearsal_s"] - mine["baseline_s"] for mine, _ in pairs)
    first_theirs = min(theirs["first_step_s"] for _, theirs in pairs)
    before = {name: min(mine[name] for mine, _ in pairs) for name in ("rehearsal_s", "baseline_s")}
    with capsys.disabled():
        print(f"\nsteps a second: ours {1 / mine_s:.3f}, plain TRL {1 / theirs_s:.3f}, ratio {theirs_s / mine_s:.3f}")
        print(f"first step after: ours {first:.1f} s, plain TRL {first_theirs:.1f} s, ratio {first / first_theirs:.3f}")
        print(f"before it, ours alone: rehearsal {before['rehearsal_s']:.1f} s, baseline {before['baseline_s']:.1f} s")
    assert theirs_s / mine_s >= STEP_RATIO
    assert first / first_theirs <= FIRST_RATIO


def test_our_defaults_train_twice_as_many_useful_tokens_as_trls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = planned(tmp_path, **{"train.max_steps": STEPS})
    pairs = [(ours(tmp_path, recipe), plain(recipe, "defaults")) for _ in range(ROUNDS)]
    mine, theirs = (max(tokens_per_s(pair[at]) for pair in pairs) for at in (0, 1))
    with capsys.disabled():
        print(f"\nuseful tokens a second: ours {mine:.0f}, TRL's defaults {theirs:.0f}, ratio {mine / theirs:.2f}")
        print(yaml.safe_dump(yaml.safe_load(recipe.read_text(encoding="utf-8"))["train"], sort_keys=False))
    assert mine / theirs >= TOKENS_RATIO
