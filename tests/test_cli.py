"""The command line answers every wrong input with words, exit code 2 and no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tuner_tui.cli import COMMANDS


def tuner(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the real command."""
    return subprocess.run([sys.executable, "-m", "tuner_tui", *args], input=stdin, capture_output=True, text=True)


def test_help_lists_every_command() -> None:
    done = tuner("--help")
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    done = tuner(name, "--help")
    assert done.returncode == 0
    assert "usage" in done.stdout.lower()


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("advise", "--facts", "no-such-file.yaml", "--json"),
        ("advise", "--nonsense"),
        ("run", "no-such-recipe.yaml"),
        ("inspect", "no-such-data.jsonl"),
        ("export", "no-such-run", "--to", "recipe", "--out", "x"),
        ("--lang", "fr", "runs"),
    ],
    ids=" ".join,
)
def test_wrong_input_is_exit_two_with_words_and_no_traceback(args: tuple[str, ...], tmp_path: Path) -> None:
    done = tuner(*args)
    assert done.returncode == 2
    assert done.stderr.strip()
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_wrong_fact_names_the_key_and_what_is_allowed() -> None:
    done = tuner("advise", "--facts", "-", "--json", stdin='{"goals": ["speed"]}')
    assert done.returncode == 2
    assert "goals[0]" in done.stderr
    assert "style" in done.stderr
