"""Other people's tools take our files: judged and trained with by the tools themselves, where TUNER_PEERS has them.

TUNER_PEERS names a folder of virtual environments: `axo` (axolotl), `lf` (llamafactory). Without it the files'
content alone is looked at.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_runs import MakeRun, export, recipe_of

PEERS = Path(os.environ.get("TUNER_PEERS", "/nowhere"))
needs = {
    name: pytest.mark.skipif(not (PEERS / name / "bin" / "python").exists(), reason=f"TUNER_PEERS has no {name}")
    for name in ("axo", "lf")
}
ENV = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "AXOLOTL_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "DISABLE_VERSION_CHECK": "1",
}

AXOLOTL_READS = """
import sys, yaml
from axolotl.utils.config import validate_config
from axolotl.utils.dict import DictDefault
from axolotl.utils.schemas.config import AxolotlInputConfig
raw = yaml.safe_load(open(sys.argv[1]))
unknown = {name for name in set(raw) - set(AxolotlInputConfig.model_fields) if not name.startswith("liger_")}
if "plugins" in raw:
    from axolotl.integrations.liger.args import LigerArgs
    unknown |= {name for name in raw if name.startswith("liger_")} - set(LigerArgs.model_fields)
assert not unknown, unknown
gpu = {"bf16": True, "fp8": False, "tf32": True, "n_gpu": 1, "n_node": 1, "compute_capability": "sm_80"}
validate_config(DictDefault(raw), capabilities=gpu, env_capabilities={"torch_version": "2.13.0"})
print("READ")
"""
FACTORY_READS = """
import sys
from omegaconf import OmegaConf
from llamafactory.hparams import get_train_args
get_train_args(OmegaConf.to_container(OmegaConf.load(sys.argv[1])))
print("READ")
"""


def judged(peer: str, code: str, file: Path) -> str:
    """What the peer's own reader says of a file."""
    env = {**ENV, "PATH": f"{PEERS / peer / 'bin'}:{ENV['PATH']}"}
    call = [str(PEERS / peer / "bin" / "python"), "-c", code, file.name]
    done = subprocess.run(call, capture_output=True, text=True, cwd=file.parent, env=env)
    return done.stdout + done.stderr[-2000:]


def trained(peer: str, folder: Path, *command: str) -> list[dict[str, float]]:
    """Train with the peer's own command; what it logged of each step."""
    env = {**ENV, "PATH": f"{PEERS / peer / 'bin'}:{ENV['PATH']}"}
    call = [str(PEERS / peer / "bin" / command[0]), *command[1:]]
    done = subprocess.run(call, capture_output=True, text=True, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    state = max((folder / "output").glob("**/trainer_state.json"))
    return [entry for entry in json.loads(state.read_text())["log_history"] if "loss" in entry]


LABELS = [("ft/sft:lora", "chats"), ("ft/sft:qlora", "pairs"), ("ft/sft:full", "pairs"), ("ft/dpo:lora", "prefs")]


@pytest.mark.slow
@needs["axo"]
@pytest.mark.parametrize(("label", "data"), LABELS)
def test_axolotl_reads_it(world: Path, tmp_path: Path, label: str, data: str) -> None:
    (tmp_path / "r.json").write_text(json.dumps(recipe_of(world, label, data, 8, {})))
    code, said, words = export(tmp_path / "r.json", "axolotl", tmp_path)
    assert code == 0, (said, words[-2000:])
    assert "READ" in judged("axo", AXOLOTL_READS, tmp_path / "axolotl" / "axolotl.yaml")


@pytest.mark.slow
@needs["lf"]
@pytest.mark.parametrize(("label", "data"), [*LABELS, ("ft/orpo:lora", "prefs")])
def test_llamafactory_reads_it(world: Path, tmp_path: Path, label: str, data: str) -> None:
    recipe = recipe_of(world, label, data, 8, {})
    (tmp_path / "r.json").write_text(json.dumps({**recipe, "train": {**recipe["train"], "precision": "fp32"}}))
    code, said, words = export(tmp_path / "r.json", "llamafactory", tmp_path)
    assert code == 0, (said, words[-2000:])
    file = tmp_path / "llamafactory" / "train.yaml"
    file.write_text(file.read_text().replace("use_cpu: false", "use_cpu: true"))
    assert "READ" in judged("lf", FACTORY_READS, file)


CONDUCT = {"batching": "auto", "patience": 2, "keep_best": True, "eval_steps": 2, "save_steps": 2, "attention": "sdpa"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("peer", "target", "code", "file"),
    [
        pytest.param("axo", "axolotl", AXOLOTL_READS, "axolotl.yaml", marks=needs["axo"]),
        pytest.param("lf", "llamafactory", FACTORY_READS, "train.yaml", marks=needs["lf"]),
    ],
)
@pytest.mark.parametrize("extra", [{}, {"liger": True, "report_to": ["tensorboard"]}])
def test_the_peer_reads_how_a_planned_recipe_is_trained(
    world: Path, tmp_path: Path, peer: str, target: str, code: str, file: str, extra: dict[str, Any]
) -> None:
    # LLaMA-Factory asks for the library when it reads.
    extra = {key: value for key, value in extra.items() if peer != "lf" or key != "liger"}
    recipe = recipe_of(world, "ft/sft:lora", "chats", 8, {"dora": True})
    recipe["train"] |= {**CONDUCT, "precision": "fp32", **extra}
    (tmp_path / "r.json").write_text(json.dumps(recipe))
    done, said, words = export(tmp_path / "r.json", target, tmp_path)
    assert done == 0, (said, words[-2000:])
    written = tmp_path / target / file
    written.write_text(written.read_text().replace("use_cpu: false", "use_cpu: true"))
    assert "READ" in judged(peer, code, written)
    assert said["unexpressed"].keys() - {"order"} == {"train.threads", "evaluation"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("peer", "target", "command"),
    [
        pytest.param("axo", "axolotl", "axolotl train axolotl.yaml --launcher python", marks=needs["axo"]),
        pytest.param("lf", "llamafactory", "llamafactory-cli train train.yaml", marks=needs["lf"]),
    ],
)
def test_the_peer_trains_on_our_rows_by_our_schedule(
    make_run: MakeRun, tmp_path: Path, peer: str, target: str, command: str
) -> None:
    """Before the first update the loss is ours (rows, order, template, masks); later ones differ, because each tool
    draws the adapter's random beginning in its own way. The learning rates are ours at every step."""
    run = make_run("ft/sft:lora", "chats")
    code, said, words = export(run, target, tmp_path)
    assert code == 0, (said, words[-2000:])
    theirs = trained(peer, tmp_path / target, *command.split())
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    ours = [event for event in events if event["t"] == "step"]
    assert [step["learning_rate"] for step in theirs] == pytest.approx([step["lr"] for step in ours])
    assert theirs[0]["loss"] == pytest.approx(ours[0]["loss"], abs=1e-3)


def test_every_number_of_the_recipe_is_in_the_peers_file(world: Path, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps(recipe_of(world, "ft/dpo:qlora", "prefs", 8, {"dora": True})))
    code, said, words = export(tmp_path / "r.json", "axolotl", tmp_path)
    assert code == 0, words[-2000:]
    written = yaml.safe_load((tmp_path / "axolotl" / "axolotl.yaml").read_text())
    wanted = {"lora_r": 4, "lora_alpha": 12, "learning_rate": 0.01, "warmup_steps": 2, "max_steps": 8, "seed": 11}
    wanted |= {"peft_use_dora": True, "load_in_4bit": True, "rl": "dpo", "rl_beta": 0.1, "sequence_len": 96}
    assert {name: written.get(name) for name in wanted} == wanted
    assert said["unexpressed"].keys() == {"train.threads", "evaluation"}
