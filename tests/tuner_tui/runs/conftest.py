"""A home of its own for every test, a recipe whose parts exist, and stand-ins for long trainings."""

import json
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from advisor.recipe import DataSpec, ModelSpec, Recipe
from tests.homes import home as home
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.supervisor import launch

STANDIN = Path(__file__).with_name("standin.py")
DEADLINE_S = 300.0

# The real command line with a stand-in for the training child.
DRIVER = """
import sys
import tuner_tui.runs.supervisor as supervisor
from tuner_tui.cli import main
standin, scenario = sys.argv[1:3]
def child_command(run, *, resume=False):
    return [sys.executable, standin, scenario, str(run.path), *(["--resume"] if resume else [])]
supervisor.child_command = child_command
sys.exit(main(sys.argv[3:]))
"""


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Poll until something is true, or fail after the deadline."""

    def wait(condition: Callable[[], object]) -> None:
        end, pause = time.monotonic() + DEADLINE_S, threading.Event()
        while not condition():
            assert time.monotonic() < end, "deadline passed"
            pause.wait(0.01)

    return wait


@pytest.fixture
def recipe() -> Recipe:
    """A recipe that no check looks at."""
    return Recipe(name="practice", label="ft/sft:lora", model=ModelSpec(id="m"), data=DataSpec(train="t"))


@pytest.fixture
def start(recipe: Recipe) -> Callable[[str], RunDir]:
    """Start a stand-in of a scenario as a run."""

    def started(scenario: str) -> RunDir:
        run = create_run(recipe)
        launch(run, command=[sys.executable, str(STANDIN), scenario, str(run.path)])
        return run

    return started


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A folder that looks like a model: config, tokenizer, one weights file of one tensor."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text("{}")
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    return folder


@pytest.fixture
def recipe_file(tmp_path: Path, model_folder: Path) -> Path:
    """A recipe file beside its data; the data is named by a relative path."""
    (tmp_path / "train.jsonl").write_text('{"instruction": "a", "output": "b"}\n{"instruction": "c", "output": "d"}\n')
    path = tmp_path / "recipe.yaml"
    path.write_text(f"label: ft/sft:lora\nmodel: {{id: {model_folder}}}\ndata: {{train: train.jsonl}}\n")
    return path


@pytest.fixture
def tuner() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The real command line in its own process; `scenario` plays the training child."""

    def call(*args: str, scenario: str = "success") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", DRIVER, str(STANDIN), scenario, *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S)

    return call


@pytest.fixture
def driver() -> list[str]:
    """What to execute; a scenario and the arguments of `tuner` follow."""
    return [sys.executable, "-c", DRIVER, str(STANDIN)]


@pytest.fixture
def begin() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """The same, not waited for."""
    opened: list[subprocess.Popen[str]] = []

    def call(*args: str, scenario: str = "endless") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", DRIVER, str(STANDIN), scenario, *args]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        opened.append(child)
        return child

    yield call
    for child in opened:
        if child.poll() is None:
            child.kill()
        child.communicate()
