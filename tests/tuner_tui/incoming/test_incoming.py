"""Other tools' configurations become recipes: every number arrives, and what has no place is listed."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.errors import InputError
from advisor.recipe import Precision, recipe_from
from tuner_tui.export import axolotl, llamafactory, trl
from tuner_tui.export.concrete import Concrete
from tuner_tui.incoming.read import Read, read

AXOLOTL = """
base_model: some/model
datasets:
  - path: ./rows.jsonl
    type: chat_template
adapter: qlora
load_in_4bit: true
lora_r: 32
lora_alpha: 16
lora_target_linear: true
sequence_len: 2048
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 2
learning_rate: 2e-4
lr_scheduler: cosine
optimizer: adamw_bnb_8bit
flash_attention: true
special_tokens: {pad_token: "<pad>"}
"""
FACTORY = """
model_name_or_path: some/model
stage: dpo
finetuning_type: lora
lora_rank: 8
lora_target: q_proj, v_proj
pref_beta: 0.2
dataset: mine
dataset_dir: data
template: llama3
cutoff_len: 512
warmup_ratio: 0.1
bf16: true
"""
TRL = """
model_name_or_path: some/model
dataset_name: org/rows
use_peft: true
lora_r: 4
load_in_4bit: true
max_length: 256
warmup_steps: 0.05
max_steps: 100
packing: true
neftune_noise_alpha: 5
"""


def imported(folder: Path, text: str, name: str = "config.yaml") -> Read:
    (folder / name).write_text(text, encoding="utf-8")
    return read(folder / name)


def test_axolotl(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    found = imported(tmp_path, AXOLOTL)
    recipe = found.recipe
    assert (found.tool, recipe.label, recipe.model.id) == ("axolotl", "ft/sft:qlora", "some/model")
    assert (recipe.adapter.rank, recipe.adapter.targets, recipe.adapter.quant) == (32, "all-linear", "nf4_double")
    assert (recipe.train.learning_rate, recipe.train.micro_batch, recipe.train.grad_accum) == (0.0002, 2, 4)
    assert recipe.data.train == str(tmp_path / "rows.jsonl")
    assert found.left == {"flash_attention": True, "special_tokens": {"pad_token": "<pad>"}}


def test_llamafactory(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.json").write_text("[]")
    (tmp_path / "data" / "dataset_info.json").write_text(json.dumps({"mine": {"file_name": "mine.json"}}))
    found = imported(tmp_path, FACTORY)
    recipe = found.recipe
    assert (found.tool, recipe.label, recipe.train.beta) == ("llamafactory", "ft/dpo:lora", 0.2)
    assert recipe.adapter.targets == ["q_proj", "v_proj"]
    assert (recipe.train.precision, recipe.train.warmup_ratio) == (Precision.BF16, 0.1)
    assert recipe.data.train == str(tmp_path / "data" / "mine.json")
    assert found.left == {"template": "llama3"}


def test_trl(tmp_path: Path) -> None:
    found = imported(tmp_path, TRL)
    recipe = found.recipe
    assert (found.tool, recipe.label, recipe.data.train) == ("trl", "ft/sft:qlora", "org/rows")
    assert (recipe.adapter.quant, recipe.train.warmup_ratio, recipe.train.max_steps) == ("nf4", 0.05, 100)
    assert recipe.train.packing is True
    assert found.left == {"neftune_noise_alpha": 5}


RECIPE: dict[str, Any] = {
    "label": "ft/dpo:qlora",
    "seed": 7,
    "model": {"id": "some/model", "revision": "abc"},
    "data": {"train": "x.jsonl"},
    "adapter": {"rank": 5, "alpha": 9, "dropout": 0.1, "targets": ["q_proj"], "quant": "nf4", "rslora": True},
    "train": {
        "max_steps": 40,
        "learning_rate": 0.00003,
        "scheduler": "linear",
        "warmup_ratio": 0.25,
        "weight_decay": 0.02,
        "max_grad_norm": 0.5,
        "optimizer": "adamw_torch",
        "micro_batch": 3,
        "grad_accum": 5,
        "max_length": 77,
        "grad_ckpt": True,
        "precision": "bf16",
        "beta": 0.3,
        "log_steps": 2,
        "eval_steps": 8,
        "save_steps": 20,
        "keep_checkpoints": 3,
    },
}


@pytest.mark.parametrize("tool", ["trl", "axolotl", "llamafactory"])
def test_what_we_export_comes_back_as_the_same_numbers(tmp_path: Path, tool: str) -> None:
    recipe = recipe_from(RECIPE, "test")
    work = Concrete(
        recipe=recipe,
        model="some/model",
        train=[],
        held_out=[],
        chat=True,
        cpu=False,
        precision=Precision.BF16,
        steps=40,
        warmup_steps=10,
        eval_steps=8,
        save_steps=20,
        beta=0.3,
    )
    if tool == "trl":
        text = trl.text(work)
    elif tool == "axolotl":
        parts = (axolotl.model, axolotl.data, axolotl.method, axolotl.adapter, axolotl.training)
        text = yaml.safe_dump({key: value for part in parts for key, value in part(work).items()})
    else:
        peer = (llamafactory.model, llamafactory.data, llamafactory.method, llamafactory.training)
        text = yaml.safe_dump({key: value for part in peer for key, value in part(work).items()})
    found = imported(tmp_path, text)
    assert found.tool == tool
    assert found.recipe.train == recipe.train
    assert found.recipe.adapter == recipe.adapter
    assert (found.recipe.label, found.recipe.seed, found.recipe.model) == (recipe.label, 7, recipe.model)


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("model_name_or_path: m\ncompletion_only_loss: false\n", "cpt"),
        ("model_name_or_path: m\nbeta: 0.1\nloss_type: [sigmoid]\n", "dpo"),
        ("model_name_or_path: m\nbeta: 0.1\ndesirable_weight: 1.5\n", "kto"),
        ("model_name_or_path: m\nbeta: 0.0\nnum_generations: 4\nreward_funcs: [accuracy_reward]\n", "grpo"),
        ("base_model: m\ndatasets: [{path: x.jsonl, type: completion}]\n", "cpt"),
        ("base_model: m\nrl: kto\n", "kto"),
        ("base_model: m\nrl: orpo\n", "orpo"),
        ("base_model: m\nrl: grpo\ntrl: {num_generations: 4, beta: 0.01}\n", "grpo"),
        ("model_name_or_path: m\nstage: pt\n", "cpt"),
        ("model_name_or_path: m\nstage: kto\n", "kto"),
    ],
)
def test_every_method_is_recognised(tmp_path: Path, text: str, objective: str) -> None:
    if "dataset" not in text:
        text += "dataset_name: org/rows\n" if "model_name" in text else "datasets: [{path: x.jsonl}]\n"
    text += "dataset: mine\n" if "stage" in text else ""
    found = imported(tmp_path, text)
    assert found.recipe.label == f"ft/{objective}:full"
    assert found.recipe.train.generations == (4 if objective == "grpo" else None)
    assert ("reward_funcs" in found.left) == ("reward_funcs" in text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("- a\n", "recipe.not_mapping"),
        ("foo: 1\n", "incoming.unknown"),
        ("base_model: x\nrl: simpo\n", "incoming.objective"),
        ("base_model: x\nlearning_rate: many\n", "recipe.value"),
        ("stage: sft\n", "incoming.no_model"),
        ("a: [\n", "document.syntax"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        imported(tmp_path, text)
    assert refused.value.code == code
    assert str(tmp_path) in refused.value.text("ko") or code == "incoming.objective"


def test_the_command_writes_once_and_tells_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "trl.yaml").write_text(TRL)
    out = tmp_path / "recipe.yaml"
    command = [sys.executable, "-m", "tuner_tui.cli", "import", str(tmp_path / "trl.yaml"), "--out", str(out), "--lang"]
    done = subprocess.run([*command, "en"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "neftune_noise_alpha" in done.stderr
    assert yaml.safe_load(out.read_text())["label"] == "ft/sft:qlora"
    again = subprocess.run([*command, "ko"], capture_output=True, text=True)
    assert again.returncode == 2
    assert str(out) in again.stderr
