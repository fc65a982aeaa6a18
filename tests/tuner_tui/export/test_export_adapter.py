"""An exported adapter loads outside with plain peft and transformers and gives the same answers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import MakeRun, export

# Runs isolated (-I) in another folder: nothing of ours can be imported by accident, and the check at the end says so.
OUTSIDE = """
import json, sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
folder, base, four_bit, question = sys.argv[1:5]
torch.set_num_threads(1)
quant = BitsAndBytesConfig(
    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.float32
)
more = {"quantization_config": quant} if four_bit == "yes" else {}
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, **more), folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
turns = [{"role": "user", "content": question}]
ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
out = model.generate(**ids, max_new_tokens=12, do_sample=False)
text = tokenizer.decode(out[0, ids["input_ids"].shape[1]:], skip_special_tokens=True).strip()
assert not [name for name in sys.modules if name.startswith(("tuner_tui", "advisor"))]
print(json.dumps(text))
"""


def answer_outside(folder: Path, base: Path, question: str, *, four_bit: bool) -> str:
    """What plain peft and transformers answer, in a process that knows nothing of tuner."""
    command = [sys.executable, "-I", "-c", OUTSIDE, folder, base, "yes" if four_bit else "no", question]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd="/", env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    return str(json.loads(done.stdout.strip().splitlines()[-1]))


@pytest.mark.parametrize(
    ("label", "data"),
    [
        ("ft/sft:lora", "chats"),
        pytest.param("ft/sft:qlora", "pairs", marks=pytest.mark.slow),
        pytest.param("ft/dpo:lora", "prefs", marks=pytest.mark.slow),
    ],
)
def test_the_adapter_answers_outside_as_the_runs_model_did(
    make_run: MakeRun, world: Path, tmp_path: Path, label: str, data: str
) -> None:
    run = make_run(label, data)
    code, said, words = export(run, "adapter", tmp_path)
    assert code == 0, (said, words[-2000:])
    assert {check["id"] for check in said["checks"]} == {"answers", "score", "loss"}
    report = json.loads((run / "report.json").read_text())
    assert report["samples"]
    for sample in report["samples"]:
        outside = answer_outside(
            tmp_path / "adapter", world / "model", sample["prompt"], four_bit=label.endswith("qlora")
        )
        assert outside == sample["after"]
    assert any(sample["after"] != sample["before"] for sample in report["samples"])


def test_a_damaged_adapter_is_not_called_good(make_run: MakeRun, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    run = tmp_path / "run"
    shutil.copytree(make_run("ft/sft:lora"), run)
    weights = load_file(run / "adapter" / "adapter_model.safetensors")
    save_file({name: value * -3 for name, value in weights.items()}, run / "adapter" / "adapter_model.safetensors")
    code, said, _ = export(run, "adapter", tmp_path / "out")
    assert code == 1
    assert said["success"] is False
    assert {check["id"]: check["passed"] for check in said["checks"]}["loss"] is False


def test_the_card_carries_the_measured_results_and_the_recipe(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("ft/sft:lora")
    export(run, "adapter", tmp_path)
    card = (tmp_path / "adapter" / "README.md").read_text(encoding="utf-8")
    report = json.loads((run / "report.json").read_text())
    assert f"{report['before']['score']:.4f}" in card
    assert f"{report['after']['score']:.4f}" in card
    assert (run / "recipe.yaml").read_text() in card
    assert card.startswith("---\nbase_model:")


def test_a_run_without_weights_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(make_run("ft/sft:lora") / "recipe.yaml", run)
    code, _, words = export(run, "adapter", tmp_path / "out")
    assert code == 2
    assert "tuner runs" in words
    assert not (tmp_path / "out").exists()


def test_a_fully_tuned_model_is_no_adapter(make_run: MakeRun, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(make_run("ft/sft:lora"), run)
    (run / "adapter").rename(run / "model")
    (run / "model" / "adapter_config.json").unlink()
    code, _, words = export(run, "adapter", tmp_path / "out")
    assert code == 2
    assert "merged" in words
    assert not (tmp_path / "out").exists()
