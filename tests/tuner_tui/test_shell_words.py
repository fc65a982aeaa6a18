"""Every shell completes what the parsers take, and editors get a schema of recipes and facts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

from advisor.errors import InputError
from advisor.recipe import recipe_from
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


LINES = {
    "tuner expo": "tuner export",
    "tuner export --to llama": "tuner export --to llamafactory",
    "tuner schema fa": "tuner schema facts",
    "tuner run --deta": "tuner run --detach",
}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`tuner` as the shells call it."""
    path = tmp_path / "bin" / "tuner"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tuner_tui "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return path


@pytest.mark.skipif(not shutil.which("fish"), reason="no fish here")
def test_fish_completes(command: Path, tmp_path: Path) -> None:
    (tmp_path / "tuner.fish").write_text(tuner("completion", "fish"))
    for line, wanted in LINES.items():
        code = f"source {tmp_path / 'tuner.fish'}; complete -C '{line}'"
        said = subprocess.run(["fish", "-c", code], capture_output=True, text=True, check=True).stdout
        assert wanted.split()[-1] in [offer.split("\t")[0] for offer in said.splitlines()], (line, said)


ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "autoload -Uz compinit; compinit -u -D; source $1; compdef _tuner tuner; print re''ady"
zpty -r -m shell seen '*ready*'
zpty -w -n shell $2$'\t'
zpty -r -m -t shell seen "*$3*" || { for n in {1..100}; do sleep 0.1; zpty -r -m -t shell seen "*$3*" && break; done }
print -r -- $seen
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh here")
def test_zsh_completes(command: Path, tmp_path: Path) -> None:
    """Through a terminal of zsh's own, with the Tab key."""
    (tmp_path / "_tuner").write_text(tuner("completion", "zsh"))
    for line, wanted in LINES.items():
        call = ["zsh", "-f", "-c", ZSH, "zsh", str(tmp_path / "_tuner"), line, wanted.removeprefix(line)]
        said = subprocess.run(call, capture_output=True, text=True, timeout=60)
        assert wanted.removeprefix(line) in said.stdout, (line, said)


def test_the_targets_are_listed_for_the_script() -> None:
    assert tuner("completion", "--list", "targets").split() == list(TARGETS)


def test_the_recipes_schema_names_every_key_and_no_other() -> None:
    schema = json.loads(tuner("schema", "recipe"))
    recipe = schema["$defs"]["Recipe"]
    assert recipe["additionalProperties"] is False
    assert {"label", "model", "data", "train"} <= recipe["properties"].keys()
    assert json.loads(tuner("schema", "facts"))["$ref"] == "#/$defs/Facts"


GOOD = {"label": "ft/sft:lora", "model": {"id": "m"}, "data": {"train": "rows.jsonl"}}
BAD = [
    {**GOOD, "lable": "ft/sft:lora"},
    {"model": {"id": "m"}, "data": {"train": "rows.jsonl"}},
    {**GOOD, "name": "../out"},
    {**GOOD, "train": {"micro_batch": 0}},
    {**GOOD, "train": {"learning_rate": "fast"}},
    {**GOOD, "train": {"attention": "quick"}},
    {**GOOD, "train": {"report_to": ["board"]}},
    {**GOOD, "data": {"train": "rows.jsonl", "eval_fraction": 1.0}},
]


def test_an_outside_validator_takes_and_refuses_what_we_do() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for what in ("recipe", "facts"):
        jsonschema.Draft202012Validator.check_schema(json.loads(tuner("schema", what)))
    recipes = jsonschema.Draft202012Validator(json.loads(tuner("schema", "recipe")))
    facts = jsonschema.Draft202012Validator(json.loads(tuner("schema", "facts")))
    samples = Path(__file__).parents[2] / "samples"
    found = [yaml.safe_load(path.read_text()) for path in samples.rglob("recipe.yaml")]
    found += [msgspec.to_builtins(recipe_from(dict(GOOD), "good")), GOOD]
    for recipe in found:
        recipes.validate(recipe)
    known = [yaml.safe_load(path.read_text()) for path in (samples / "facts").glob("*.yaml")]
    assert known
    for each in known:
        facts.validate(each)
    for bad in BAD:
        assert not recipes.is_valid(bad), bad
        with pytest.raises(InputError):
            recipe_from(json.loads(json.dumps(bad)), "bad")
    for bad in ({"goals": ["speed"]}, {"goal": ["style"]}, {"model": {"params_b": "big"}}):
        assert not facts.is_valid(bad), bad
