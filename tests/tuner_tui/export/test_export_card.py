"""The card says the facts, the rules that decided, the measured results and what is not known; nothing is sent."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from fake_hub import fake_hub
from tiny_runs import MakeRun, export

from advisor.words import words
from tuner_tui.export.advised import licence_of, model_folder
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
    assert words(lang).say("export.card.data_unknown", data="chats.jsonl") in text


def test_a_cached_models_licence_and_that_of_a_data_sets_card_are_named(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = tmp_path / "hub" / "models--owner--base" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "README.md").write_text("---\nlicense: gemma\n---\n")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert licence_of(model_folder("owner/base", tmp_path)) == "gemma"
    run, data = tmp_path / "run", tmp_path / "data"
    shutil.copytree(make_run("ft/sft:lora"), run)
    recipe = yaml.safe_load((run / "recipe.yaml").read_text())
    data.mkdir()
    shutil.copy(recipe["data"]["train"], data / "chats.jsonl")
    (data / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n")
    recipe["data"]["train"] = str(data / "chats.jsonl")
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert "cc-by-4.0" in card_of(run, tmp_path, "en")


def test_the_base_models_licence_is_passed_on(tmp_path: Path) -> None:
    assert licence_of(tmp_path) is None
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Base\n")
    assert licence_of(tmp_path) == "apache-2.0"
    (tmp_path / "README.md").write_text("---\nlicense: [broken\n---\n")
    assert licence_of(tmp_path) is None


@pytest.mark.slow
def test_the_hubs_own_client_sends_the_folder_as_it_is(make_run: MakeRun, tmp_path: Path) -> None:
    code, said, words_ = export(make_run("ft/sft:lora"), "hub", tmp_path)
    assert code == 0, (said, words_)
    files = {path.name: path.read_bytes() for path in (tmp_path / "hub" / "files").iterdir()}
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"} <= files.keys()
    with fake_hub() as hub:
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        env |= {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_of_the_test", "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
        env |= {"HF_HOME": str(tmp_path / "home"), "PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
        command = ["sh", str(tmp_path / "hub" / "send.sh"), "user/name", "--private"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd="/")
    assert done.returncode == 0, done.stderr[-2000:]
    assert hub.created[0]["name"] == "name"
    assert hub.created[0]["visibility"] == "private"
    assert hub.keys == {"Bearer hf_of_the_test"}
    assert hub.files == files
