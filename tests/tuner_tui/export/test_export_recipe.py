"""The recipe leaves unchanged, and nothing that was there is touched."""

import hashlib
import json
from pathlib import Path

from tiny_runs import MakeRun, export, run_module


def test_a_runs_recipe_is_exported_byte_for_byte(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("ft/sft:lora")
    code, said, _ = export(run, "recipe", tmp_path)
    assert code == 0
    assert (tmp_path / "recipe.yaml").read_bytes() == (run / "recipe.yaml").read_bytes()
    report = json.loads((run / "report.json").read_text())
    assert hashlib.sha256((tmp_path / "recipe.yaml").read_bytes()).hexdigest() == report["recipe_sha256"]
    assert said["success"]
    assert [check["id"] for check in said["checks"]] == ["recipe_reads_back", "recipe_is_the_runs"]
    assert [file["path"] for file in said["files"]] == [str(tmp_path / "recipe.yaml")]


def test_an_existing_file_is_left_alone_unless_told(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("ft/sft:lora")
    (tmp_path / "recipe.yaml").write_text("mine")
    code, _, words = export(run, "recipe", tmp_path)
    assert code == 2
    assert str(tmp_path / "recipe.yaml") in words
    assert "Traceback" not in words
    assert (tmp_path / "recipe.yaml").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]
    code, _, _ = export(run, "recipe", tmp_path, "--overwrite")
    assert code == 0
    assert (tmp_path / "recipe.yaml").read_bytes() == (run / "recipe.yaml").read_bytes()


def test_a_recipe_changed_after_its_run_does_not_pass(make_run: MakeRun, tmp_path: Path) -> None:
    import shutil

    run = tmp_path / "run"
    shutil.copytree(make_run("ft/sft:lora"), run)
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("seed: 11", "seed: 12"))
    code, said, _ = export(run, "recipe", tmp_path / "out")
    assert code == 1
    assert {check["id"]: check["passed"] for check in said["checks"]}["recipe_is_the_runs"] is False


def test_weights_are_refused_for_a_recipe_alone(make_run: MakeRun, tmp_path: Path) -> None:
    code, _, words = export(make_run("ft/sft:lora") / "recipe.yaml", "adapter", tmp_path / "out")
    assert code == 2
    assert "tuner run" in words
    assert not (tmp_path / "out").exists()


def test_bad_input_is_named_in_both_languages(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("ft/sft:lora")
    code, _, words = export(run, "recipie", tmp_path)
    assert (code, "recipie" in words, "adapter" in words) == (2, True, True)
    (tmp_path / "file").write_text("")
    for lang, word in (("en", "folder"), ("ko", "폴더")):
        done = run_module("tuner_tui.cli", "export", run, "--to", "recipe", "--out", tmp_path / "file", "--lang", lang)
        assert done.returncode == 2
        assert word in done.stderr
        assert "Traceback" not in done.stderr


def test_the_command_passes_the_childs_document_and_code_through(make_run: MakeRun, tmp_path: Path) -> None:
    done = run_module(
        "tuner_tui.cli", "export", make_run("ft/sft:lora"), "--to", "recipe", "--out", tmp_path / "out", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["success"] is True
