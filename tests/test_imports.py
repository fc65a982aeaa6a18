"""Who may import what, seen from a fresh process: the static contracts cannot see deferred imports."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "accelerate", "pandas", "pyarrow")


def modules_after(statement: str) -> set[str]:
    """The top-level modules loaded by one statement in a fresh interpreter."""
    code = f"{statement}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module",
    ["advisor", "advisor.engine", "advisor.memory", "tuner_tui.cli", "tuner_tui.app", "tuner_tui.commands.run"],
)
def test_the_interface_never_loads_the_training_stack(module: str) -> None:
    assert not modules_after(f"import {module}") & set(HEAVY)


@pytest.mark.parametrize("module", ["advisor.engine", "advisor.recipe", "advisor.memory"])
def test_the_advisor_loads_no_interface(module: str) -> None:
    assert not modules_after(f"import {module}") & {"textual", "rich", "psutil", "pynvml", "tuner_tui"}


@pytest.mark.parametrize(
    "module", ["tuner_tui.cli", "tuner_tui.runs.supervisor", "tuner_tui.inspect", "tuner_tui.probe"]
)
def test_the_commands_load_no_textual(module: str) -> None:
    assert "textual" not in modules_after(f"import {module}")
