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
    assert recipe.train.attention == "flash"
    assert found.left == {"special_tokens": {"pad_token": "<pad>"}}


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
    # Our own preference training adds a share of the supervised loss.
    assert found.left == {"template": "llama3", "pref_ftx": 0.0}


def test_trl(tmp_path: Path) -> None:
    found = imported(tmp_path, TRL)
    recipe = found.recipe
    assert (found.tool, recipe.label, recipe.data.train) == ("trl", "ft/sft:qlora", "org/rows")
    assert (recipe.adapter.quant, recipe.train.warmup_ratio, recipe.train.max_steps) == ("nf4", 0.05, 100)
    assert recipe.train.packing is True
    assert found.left == {"neftune_noise_alpha": 5}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "model_name_or_path: m\ndataset_name: org/rows\nuse_peft: true\n",
            {"learning_rate": 2e-5, "scheduler": "linear", "warmup_ratio": 0.0, "micro_batch": 8, "rank": 16}
            | {"alpha": 32, "dropout": 0.05, "targets": ["q_proj", "v_proj"], "grad_ckpt": True, "log_steps": 10},
        ),
        (
            "model_name_or_path: m\ndataset_name: org/rows\nuse_peft: true\nbeta: 0.2\n",
            {"learning_rate": 1e-6, "beta": 0.2},
        ),
        (
            "model_name_or_path: m\nstage: sft\ndataset: mine\nlora_rank: 4\n",
            {"learning_rate": 5e-5, "rank": 4, "alpha": 8, "max_length": 2048, "precision": "fp32", "epochs": 3.0},
        ),
        (
            "base_model: m\ndatasets: [{path: x}]\nadapter: lora\nlearning_rate: 1e-4\nlora_target_linear: true\n",
            {"learning_rate": 1e-4, "scheduler": "cosine", "warmup_ratio": 0.03, "max_length": 512, "micro_batch": 1}
            | {"epochs": 1.0, "targets": "all-linear", "grad_ckpt": False},
        ),
    ],
)
def test_what_the_file_leaves_open_is_what_its_tool_takes(tmp_path: Path, text: str, wanted: dict[str, Any]) -> None:
    found = imported(tmp_path, text)
    train, adapter = found.recipe.train, found.recipe.adapter
    got = {name: getattr(train, name, getattr(adapter, name, None)) for name in wanted}
    assert got == wanted
    told = {key.rpartition(".")[2] for key in found.defaults}
    assert told.isdisjoint({name for name in wanted if name in text.replace("lora_rank", "rank")})


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("base_model: m\ntrain_on_inputs: true\nwandb_project: mine\n", {"train_on_inputs", "wandb_project"}),
        ("base_model: m\ngradient_checkpointing: offload\neval_steps: 0.1\n", {"gradient_checkpointing", "eval_steps"}),
        ("base_model: m\nlr_scheduler: rex\nval_set_size: 100\n", {"lr_scheduler", "val_set_size"}),
        ("base_model: m\nrl: dpo\ndpo_loss_type: [ipo]\n", {"dpo_loss_type"}),
        ("base_model: m\nnum_epochs: 2\nwarmup_steps: 10\n", {"warmup_steps"}),
        ("model_name_or_path: m\nstage: dpo\npref_loss: simpo\npref_ftx: 0.2\n", {"pref_loss"}),
        ("model_name_or_path: m\nstage: sft\nquantization_bit: 4\nquantization_method: hqq\n", {"quantization_method"}),
        ("model_name_or_path: m\nstage: sft\nmask_history: true\nreport_to: swanlab\n", {"mask_history", "report_to"}),
        ("model_name_or_path: m\nbeta: 0.1\nloss_type: ipo\n", {"loss_type"}),
        ("model_name_or_path: m\nsave_strategy: epoch\ndtype: float16\n", {"save_strategy", "dtype"}),
        ("model_name_or_path: m\nassistant_only_loss: true\nmodel_init_kwargs:\n", {"assistant_only_loss"}),
    ],
)
def test_what_means_something_else_is_never_passed_over(tmp_path: Path, text: str, left: set[str]) -> None:
    if "base_model" in text:
        text += "datasets: [{path: x.jsonl}]\n"
    else:
        text += "dataset: mine\n" if "stage" in text else "dataset_name: org/rows\n"
    assert imported(tmp_path, text).left.keys() == left


def test_trackers_kernels_and_batching_arrive(tmp_path: Path) -> None:
    text = "base_model: m\ndatasets: [{path: x.jsonl, split: 'train[:5%]'}]\nuse_mlflow: true\nbatch_flattening: true\n"
    found = imported(tmp_path, f"{text}attn_implementation: sdpa\nbf16: auto\n")
    train = found.recipe.train
    assert (train.report_to, train.batching, train.attention) == (["mlflow"], "padding_free", "sdpa")
    assert (train.precision, found.left) == (Precision.AUTO, {"datasets.split": "train[:5%]"})


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
        ("model_name_or_path: m\nstage: pt\nfinetuning_type: full\n", "cpt"),
        ("model_name_or_path: m\nstage: kto\nfinetuning_type: full\n", "kto"),
        ("base_model: m\npretraining_dataset: org/rows\n", "cpt"),
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
        ("base_model: x\nreward_model: true\n", "incoming.objective"),
        ("base_model: x\nlearning_rate: many\n", "recipe.value"),
        ("model_name_or_path: x\nstage: sft\nfinetuning_type: oft\n", "incoming.technique"),
        ("stage: sft\nmodel_name_or_path: ''\n", "incoming.no_model"),
        ("a: [\n", "document.syntax"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(InputError) as refused:
        imported(tmp_path, text)
    assert refused.value.code == code
    assert str(tmp_path) in refused.value.text("ko") or code in ("incoming.objective", "incoming.technique")


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
