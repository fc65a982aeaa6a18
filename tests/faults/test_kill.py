"""The real training child, killed at random steps and resumed: the same losses and the same weights, bit for bit.

For supervised and preference training, full, LoRA and QLoRA, with dropout where there is an adapter.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from advisor.recipe import recipe_from
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.follow import Follower
from tuner_tui.runs.identity import alive, send
from tuner_tui.runs.preflight import prepare
from tuner_tui.runs.state import RunState, state_of
from tuner_tui.runs.supervisor import launch, resume, wait
from tuner_tui.runs.watch import glance

SAMPLES = Path(__file__).parents[2] / "samples"
TINY = Path(__file__).parents[1] / "tuner_tui" / "runs" / "tiny.py"
STEPS = 120
KILLS = int(os.environ.get("TUNER_KILLS", "2"))
DEADLINE_S = 900.0


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    subprocess.run([sys.executable, str(TINY), str(folder)], check=True)
    return folder


def new_run(folder: Path, label: str, grad_accum: int, max_steps: int = STEPS) -> RunDir:
    data = "sft" if "/sft" in label else "dpo"
    raw = {
        "label": label,
        "model": {"id": "model"},
        "data": {"train": f"{data}.jsonl", "eval": f"{data}.eval.jsonl"},
        "adapter": {"rank": 4, "alpha": 8, "dropout": 0.1},
        "train": {"max_steps": max_steps, "learning_rate": 3e-3, "micro_batch": 3, "grad_accum": grad_accum}
        | {"max_length": 64, "save_steps": 13, "eval_steps": 40, "threads": 1},
        "evaluation": {"metric": "loss", "max_items": 4, "samples": 1, "max_new_tokens": 4},
    }
    return create_run(prepare(recipe_from(raw, "test"), "test", folder))


PRACTICE = {"orpo": "preference", "kto": "feedback", "cpt": "corpus", "grpo": "checkable", "sft": "style"}


def practice_run(label: str) -> RunDir:
    """A run of the practice model by another method; texts are packed."""
    first = label.removeprefix("ft/").partition(":")[0].partition(">")[0]
    train = {"max_steps": 24, "learning_rate": 3e-4, "micro_batch": 4, "max_length": 128, "save_steps": 5, "threads": 1}
    train |= {"cpt": {"packing": True}, "grpo": {"generations": 4}}.get(first, {})
    raw = {
        "label": label,
        "model": {"id": str(SAMPLES / "model")},
        "data": practice(PRACTICE[first]),
        "adapter": {"rank": 4, "alpha": 8, "dropout": 0.1},
        "train": train,
        "evaluation": {"metric": "exact_match" if first == "grpo" else "loss", "max_items": 4, "samples": 1}
        | {"max_new_tokens": 8},
    }
    if ">" in label:
        raw["stages"] = [{"objective": "sft"}, {"objective": "dpo", "data": practice("preference")}]
    return create_run(prepare(recipe_from(raw, "test"), "test"))


def practice(name: str) -> dict[str, str]:
    return {
        part: str(SAMPLES / "data" / f"{name}.{file}.jsonl") for part, file in (("train", "train"), ("eval", "test"))
    }


def ended(run: RunDir) -> tuple[dict[int, float], bytes]:
    assert wait(run, DEADLINE_S) is RunState.FINISHED, run.log_path.read_text()[-1500:]
    events = Follower(run.events_path).poll(100_000)
    folder = run.adapter if run.adapter.exists() else run.model
    losses = {event["step"]: event["loss"] for event in events if event["t"] == "step"}
    return losses, next(folder.glob("*.safetensors")).read_bytes()


def kill_at(run: RunDir, step: int) -> None:
    """SIGKILL once this step was told; the state is crashed at once."""
    end, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while glance(run).step < step and not state_of(run).ended:
        assert time.monotonic() < end
        pause.wait(0.01)
    info = run.info()
    assert info is not None
    assert info.identity is not None
    send(info.identity, signal.SIGKILL)
    while alive(info.identity):
        assert time.monotonic() < end
    assert state_of(run) is RunState.CRASHED


@pytest.mark.slow
@pytest.mark.parametrize("grad_accum", [1, 2])
@pytest.mark.parametrize("technique", ["full", "lora", "qlora"])
@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_a_killed_run_ends_as_if_never_killed(tiny: Path, objective: str, technique: str, grad_accum: int) -> None:
    label = f"ft/{objective}:{technique}"
    dice = random.Random(label + str(grad_accum))
    whole = new_run(tiny, label, grad_accum)
    launch(whole, keep=())
    wanted = ended(whole)
    killed = new_run(tiny, label, grad_accum)
    launch(killed, keep=())
    for step in sorted(dice.sample(range(2, STEPS - 30), KILLS)):
        kill_at(killed, step)
        resume(killed)
    losses, weights = ended(killed)
    assert losses == wanted[0]
    assert weights == wanted[1]


@pytest.mark.slow
@pytest.mark.parametrize("label", ["ft/cpt:full", "ft/orpo:lora", "ft/kto:full", "ft/grpo:lora", "ft/sft>dpo:lora"])
def test_so_does_a_run_by_any_other_method(label: str) -> None:
    dice = random.Random(label)
    whole = practice_run(label)
    launch(whole, keep=())
    wanted = ended(whole)
    killed = practice_run(label)
    launch(killed, keep=())
    for step in sorted(dice.sample(range(2, len(wanted[0]) - 2), KILLS)):
        kill_at(killed, step)
        resume(killed)
    assert ended(killed) == wanted
