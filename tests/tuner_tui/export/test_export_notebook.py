"""The notebook's cells, run from top to bottom, train to the run's losses; AutoTrain knows every key of its file."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_runs import MakeRun, export, losses, recipe_of

AUTOTRAIN = Path(os.environ.get("TUNER_PEERS", "/nowhere")) / "at" / "bin" / "python"


def test_the_cells_run_from_top_to_bottom_to_our_losses(
    make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run("ft/sft:lora")
    code, said, words = export(run, "notebook", tmp_path)
    assert code == 0, (said, words)
    book = json.loads((tmp_path / "notebook" / "train.ipynb").read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    monkeypatch.chdir(tmp_path / "notebook")
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in book["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and not text.startswith("%"):
            exec(text, names)
    theirs = [entry["loss"] for entry in names["trainer"].state.log_history if "loss" in entry]
    ours = losses(run)
    assert len(ours) == len(theirs) == 12
    assert max(abs(left - right) for left, right in zip(ours, theirs, strict=True)) < 1e-4
    assert (tmp_path / "notebook" / "tiny-out" / "adapter_model.safetensors").is_file()


@pytest.mark.parametrize(("label", "data"), [("ft/sft:qlora", "pairs"), ("ft/orpo:lora", "prefs")])
def test_autotrain_knows_every_key(world: Path, tmp_path: Path, label: str, data: str) -> None:
    (tmp_path / "r.json").write_text(json.dumps(recipe_of(world, label, data, 8, {})))
    code, said, words = export(tmp_path / "r.json", "autotrain", tmp_path)
    assert code == 0, words
    assert {"adapter.rslora", "adapter.dora"} <= said["unexpressed"].keys()
    assert ("masks" in said["unexpressed"]) == (data == "pairs")
    written = yaml.safe_load((tmp_path / "autotrain" / "autotrain.yaml").read_text())
    assert (written["params"]["lr"], written["params"]["lora_r"]) == (0.01, 4)
    if not AUTOTRAIN.exists():
        return
    judge = (
        "import sys\nfrom autotrain.parser import AutoTrainConfigParser\np = AutoTrainConfigParser(sys.argv[1])\n"
        "cls = p.task_param_map[p.task]\nunknown = [k for k in p.parsed_config if k not in cls.model_fields]\n"
        "assert not unknown, unknown\ncls(**p.parsed_config)\nprint('READ')"
    )
    done = subprocess.run(
        [AUTOTRAIN, "-c", judge, "autotrain.yaml"], cwd=tmp_path / "autotrain", capture_output=True, text=True
    )
    assert "READ" in done.stdout, done.stderr[-2000:]


@pytest.mark.parametrize("objective", ["sft", "dpo", "orpo"])
def test_the_unsloth_script_imports_unsloth_first(world: Path, tmp_path: Path, objective: str) -> None:
    data = "pairs" if objective == "sft" else "prefs"
    (tmp_path / "r.json").write_text(json.dumps(recipe_of(world, f"ft/{objective}:qlora", data, 8, {})))
    code, _, words = export(tmp_path / "r.json", "unsloth", tmp_path)
    assert code == 0, words
    text = (tmp_path / "train_unsloth.py").read_text()
    assert text.index("from unsloth import") < text.index("from trl") < text.index("def main")
    assert "tuner_tui" not in text
