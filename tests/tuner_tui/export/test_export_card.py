"""The card says the facts, the rules that decided, the measured results and what is not known; nothing is sent."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from tiny_runs import MakeRun, export

from advisor.words import words
from tuner_tui.export.advised import licence_of
from tuner_tui.export.card import card
from tuner_tui.export.outcome import Task
from tuner_tui.export.place import Place
from tuner_tui.export.source import find_source

FACTS = {
    "goals": ["style"],
    "data": {"instruction_pairs": 3000},
    "model": {"params_b": 8, "access": "open", "kind": "instruct"},
    "hardware": {"gpus": [{"name": "RTX 4090", "vram_gb": 24}]},
    "history": {"prompting": "insufficient"},
}


def card_of(run: Path, folder: Path, lang: str) -> str:
    place = Place(folder / lang, ())
    return card(Task(source=find_source(str(run)), place=place, words=words(lang)), "adapter")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_card_says_why(make_run: MakeRun, tmp_path: Path, lang: str) -> None:
    import msgspec

    from advisor.engine import recommend
    from advisor.facts import Facts

    run = tmp_path / "run"
    shutil.copytree(make_run("ft/sft:lora"), run)
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    (run / "recipe.yaml").write_text(yaml.safe_dump({**recipe, "facts": FACTS}))
    text = card_of(run, tmp_path, lang)
    advice = recommend(msgspec.convert(FACTS, Facts), lang=lang, flips=False)
    assert advice.reasons
    assert all(f"`{reason.rule}` {reason.text}" in text for reason in advice.reasons)
    assert "RTX 4090" in text
    head = yaml.safe_load(text.split("---")[1])
    assert head["library_name"] == "peft"
    assert "license" not in head


def test_the_base_models_licence_is_passed_on(tmp_path: Path) -> None:
    assert licence_of(tmp_path) is None
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Base\n")
    assert licence_of(tmp_path) == "apache-2.0"
    (tmp_path / "README.md").write_text("---\nlicense: [broken\n---\n")
    assert licence_of(tmp_path) is None


@pytest.mark.slow
def test_the_hub_folder_is_ready_and_unsent(make_run: MakeRun, tmp_path: Path) -> None:
    code, said, words_ = export(make_run("ft/sft:lora"), "hub", tmp_path)
    assert code == 0, (said, words_)
    files = {path.name for path in (tmp_path / "hub" / "files").iterdir()}
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"} <= files
    assert subprocess.run(["sh", "-n", tmp_path / "hub" / "send.sh"]).returncode == 0
