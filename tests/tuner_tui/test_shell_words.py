"""Every shell completes what the parsers take, and editors get a schema of recipes and facts."""

import json
import shutil
import subprocess
import sys

import pytest

from tuner_tui.cli import COMMANDS
from tuner_tui.export.targets import TARGETS


def tuner(*args: str) -> str:
    command = [sys.executable, "-m", "tuner_tui.cli", *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    code = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _tuner; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_bash_completes_commands_options_and_targets() -> None:
    script = tuner("completion", "bash")
    listing = "\n".join(TARGETS)
    script = f"tuner() {{ printf '%s' '{listing}'; }}\n{script}"
    assert completed(script, "tuner", "expo") == ["export"]
    assert "--overwrite" in completed(script, "tuner", "export", "--")
    assert completed(script, "tuner", "export", "--to", "llama") == ["llamafactory"]
    assert completed(script, "tuner", "schema", "fa") == ["facts"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_their_script(shell: str) -> None:
    script = tuner("completion", shell)
    assert all(name in script for name in COMMANDS)
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_targets_are_listed_for_the_script() -> None:
    assert tuner("completion", "--list", "targets").split() == list(TARGETS)


def test_the_recipes_schema_names_every_key_and_no_other() -> None:
    schema = json.loads(tuner("schema", "recipe"))
    recipe = schema["$defs"]["Recipe"]
    assert recipe["additionalProperties"] is False
    assert {"label", "model", "data", "train"} <= recipe["properties"].keys()
    assert json.loads(tuner("schema", "facts"))["$ref"] == "#/$defs/Facts"
