"""What our training costs beside a plain TRL script, and what its defaults gain: ratios within one run.

Both are real processes, started in turn and timed from outside by the same code (`clocks/`). Asserted is processor time
of the whole training process, its watching threads included: what other work on the machine takes away is not ours.
Elapsed time is told beside it. The rehearsal and the held-out baseline that come before our first step are told apart:
the plain script has neither.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest
import yaml

PLAIN = Path(__file__).with_name("plain_trl.py")
CLOCKS = Path(__file__).with_name("clocks")
ROUNDS = 3
STEPS, WARM = 24, 4
STEP_RATIO, FIRST_RATIO, TOKENS_RATIO = 0.99, 1.1, 2.0
LARGER = {"hidden_size": 512, "intermediate_size": 1408, "num_hidden_layers": 8, "num_attention_heads": 8}
"""A shape whose steps take long enough that what watching costs by the step and by the second shows apart."""

pytestmark = pytest.mark.slow


class Timed(NamedTuple):
    """One run from outside: when it was asked for, its clock's lines, and tokens that are no padding by step."""

    asked: float
    lines: list[dict[str, Any]]
    tokens: dict[int, int]

    def steps(self, name: str) -> list[float]:
        """`at` or `cpu` at the end of each step; ours begin after the rehearsal's, in the phase `train`."""
        begun = max((line["at"] for line in self.lines if line["name"] == "train"), default=0.0)
        return [line[name] for line in self.lines if line["name"] == "step" and line["at"] > begun]

    def step_s(self, name: str) -> list[float]:
        """What each step after the warm ones took."""
        return [later - earlier for earlier, later in pairwise(self.steps(name)[WARM:])]

    def first(self, name: str) -> float:
        """Seconds until the first step's end: elapsed since it was asked for, or the training process's own."""
        return self.steps(name)[0] - (self.asked if name == "at" else 0.0)

    def phase(self, first: str, last: str, name: str) -> float:
        """Seconds between the beginnings of two of our phases; 0 where the first never came."""
        begun = {line["name"]: line[name] for line in self.lines if line["name"] != "step"}
        return begun[last] - begun[first] if first in begun else 0.0


def planned(folder: Path, **changes: Any) -> Path:
    """The practice recipe for supervised tuning with LoRA, as our rules plan it."""
    path = folder / "recipe.yaml"
    asked = [f"--set={key}={value}" for key, value in changes.items()]
    subprocess.run(ours_command("plan", "--practice", "--label", "ft/sft:lora", "--out", str(path), *asked), check=True)
    return path


def ours_command(*args: str) -> list[str]:
    return [sys.executable, "-m", "tuner_tui", *args]


def timed(folder: Path, command: list[str]) -> tuple[float, list[dict[str, Any]], str]:
    """Run a command to its end: when it began, the clock of the process that trained, what it printed."""
    clocks = folder / f"clocks-{time.monotonic_ns()}"
    clocks.mkdir()
    environ = {**os.environ, "PYTHONPATH": str(CLOCKS), "TUNER_CLOCKS": str(clocks), "HF_HUB_OFFLINE": "1"}
    asked = time.time()
    done = subprocess.run(command, capture_output=True, text=True, env=environ)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    (file,) = clocks.iterdir()
    return asked, [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()], done.stdout


def ours(folder: Path, recipe: Path, *options: str) -> Timed:
    asked, lines, said = timed(folder, ours_command("run", str(recipe), "--json", *options))
    log = Path(json.loads(said.splitlines()[-1])["dir"]) / "events.jsonl"
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert events[-1]["reason"] == "done", events[-1]
    return Timed(asked, lines, {event["step"]: event["tokens"] for event in events if event["t"] == "step"})


def plain(folder: Path, recipe: Path, mode: str) -> Timed:
    asked, lines, said = timed(folder, [sys.executable, str(PLAIN), str(recipe), mode])
    tokens = {int(step): int(count) for step, count in json.loads(said.splitlines()[-1]).items()}
    return Timed(asked, lines, tokens)


def pairs(folder: Path, recipe: Path, mode: str, *options: str) -> list[tuple[Timed, Timed]]:
    """ROUNDS of both, each beginning in turn."""
    found = []
    for turn in range(ROUNDS):
        if turn % 2:
            theirs = plain(folder, recipe, mode)
            found.append((ours(folder, recipe, *options), theirs))
        else:
            found.append((ours(folder, recipe, *options), plain(folder, recipe, mode)))
    return found


def speed(found: list[tuple[Timed, Timed]], name: str) -> float:
    """Our steps a second by theirs: the median of a step in theirs by the same step in ours, over all rounds."""
    return median(
        theirs / mine for pair in found for mine, theirs in zip(pair[0].step_s(name), pair[1].step_s(name), strict=True)
    )


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TUNER_LANG", "en")


def larger(folder: Path, like: Path) -> Path:
    """A model of LARGER with random weights and the tokenizer of `like`."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(like, **LARGER, num_key_value_heads=LARGER["num_attention_heads"])
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(like).save_pretrained(folder)
    return folder


SAME = {"train.threads": 1, "train.batching": "padded", "train.patience": "null", "train.keep_best": "false"}


@pytest.mark.parametrize("shape", ["practice", "larger"])
def test_watching_costs_under_a_percent(tmp_path: Path, capsys: pytest.CaptureFixture[str], shape: str) -> None:
    steps = STEPS if shape == "practice" else STEPS // 2
    quiet = {"train.eval_steps": steps, "train.save_steps": steps, "evaluation.samples": 0, "evaluation.max_items": 4}
    recipe = planned(tmp_path, **{"train.max_steps": steps}, **SAME, **quiet)
    if shape == "larger":
        told = yaml.safe_load(recipe.read_text(encoding="utf-8"))
        told["model"]["id"] = str(larger(tmp_path / "larger", Path(told["model"]["id"])))
        recipe.write_text(yaml.safe_dump(told), encoding="utf-8")
    found = pairs(tmp_path, recipe, "recipe", "--no-rehearsal")
    assert found[0][0].tokens == found[0][1].tokens, "both train the same rows in the same steps"
    cpu, wall = speed(found, "cpu"), speed(found, "at")
    each = median(second for pair in found for second in pair[1].step_s("cpu"))
    with capsys.disabled():
        print(f"\n{shape}: steps a second, ours by plain TRL: {cpu:.4f} by processor time, {wall:.4f} elapsed", end="")
        print(f" (a step takes {each:.3f} s of processor time)")
    assert cpu >= STEP_RATIO


def test_the_first_step_comes_as_soon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = planned(tmp_path, **{"train.max_steps": 2}, **SAME, **{"evaluation.samples": 0})
    found = pairs(tmp_path, recipe, "recipe")
    ratios = {}
    for name in ("cpu", "at"):
        rehearsal = median(mine.phase("rehearse", "baseline", name) for mine, _ in found)
        baseline = median(mine.phase("baseline", "train", name) for mine, _ in found)
        mine, theirs = (median(pair[at].first(name) for pair in found) for at in (0, 1))
        ratios[name] = (mine - rehearsal - baseline) / theirs
        with capsys.disabled():
            kind = "processor time" if name == "cpu" else "elapsed from the command on"
            print(f"\nfirst step, {kind}: plain TRL {theirs:.2f} s, ours {mine:.2f} s of which rehearsal", end="")
            print(f" {rehearsal:.2f} s and baseline {baseline:.2f} s; without them {ratios[name]:.3f} times", end="")
    assert ratios["cpu"] <= FIRST_RATIO


def test_our_defaults_train_twice_as_many_useful_tokens_as_trls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = planned(tmp_path, **{"train.max_steps": 40, "train.threads": 1, "evaluation.max_items": 4})
    found = pairs(tmp_path, recipe, "defaults", "--no-rehearsal")
    rates = {name: [median(rate(pair[at], name) for pair in found) for at in (0, 1)] for name in ("cpu", "at")}
    with capsys.disabled():
        for name, (mine, theirs) in rates.items():
            kind = "processor time" if name == "cpu" else "elapsed"
            print(f"\nuseful tokens a second, {kind}: ours {mine:.0f}, TRL's defaults {theirs:.0f}", end="")
            print(f", ratio {mine / theirs:.2f}", end="")
        print("\n" + yaml.safe_dump(yaml.safe_load(recipe.read_text(encoding="utf-8"))["train"], sort_keys=False))
    assert rates["cpu"][0] / rates["cpu"][1] >= TOKENS_RATIO


def rate(run: Timed, name: str) -> float:
    """Tokens that are no padding by second, from the tenth step to the last (TRL logs every tenth)."""
    first, last = 10, max(run.tokens)
    ends = run.steps(name)
    return (run.tokens[last] - run.tokens[first]) / (ends[last - 1] - ends[first - 1])
