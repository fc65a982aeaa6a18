"""Every method goes to every target that can say it, in a file that the target's own reader takes; else it says why.

The readers are TRL's own here and, where TUNER_PEERS has them, those of Axolotl (`axo`), LLaMA-Factory (`lf`) and
AutoTrain (`at`), each started once for all its files.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from test_export_peers import AXOLOTL_READS, ENV, FACTORY_READS
from tiny_runs import export, recipe_of

from advisor.methods import Objective, Technique

PEERS = Path(os.environ.get("TUNER_PEERS", "/nowhere"))
SUPERVISED = {"sft", "domain_qa", "style", "refusal", "distill"}
DATA = dict.fromkeys(SUPERVISED, "chats") | {"grpo": "chats", "cpt": "texts", "kto": "likes"}
MOVED = {"full", "lora", "qlora"}
ALL = set(Objective)
# What each target can say: its objectives, its techniques.
SAYS: dict[str, tuple[set[str], set[str]]] = {
    "trl-script": (ALL, set(Technique)),
    "notebook": (ALL, set(Technique)),
    "slurm": (ALL, set(Technique)),
    "hf-jobs": (ALL, set(Technique)),
    "skypilot": (ALL, set(Technique)),
    "unsloth": (ALL - {"rlhf_ppo"}, MOVED),
    "trl": (ALL - {"orpo"}, MOVED),
    "axolotl": (ALL - {"rlhf_ppo"}, MOVED),
    "llamafactory": (ALL - {"rlhf_ppo", "grpo"}, MOVED),
    "autotrain": (SUPERVISED | {"cpt", "dpo", "orpo"}, MOVED),
    "openai": (SUPERVISED | {"dpo"}, MOVED),
    "azure": (SUPERVISED | {"dpo"}, MOVED),
}
SCRIPTED = ("trl-script", "notebook", "slurm", "hf-jobs", "skypilot")


def cases(targets: set[str]) -> Iterator[tuple[str, str, str]]:
    yield from product(sorted(targets), Objective, Technique)


def exported(world: Path, folder: Path, target: str, objective: str, technique: str) -> tuple[int, Any, str]:
    """Export a recipe of that method; the reward of GRPO is an equal answer."""
    recipe = recipe_of(world, f"ft/{objective}:{technique}", DATA.get(objective, "prefs"), 8, {})
    recipe["train"]["precision"] = "fp32"  # the readers refuse a GPU's number format where there is none
    folder.mkdir(parents=True)
    (folder / "r.json").write_text(json.dumps(recipe))
    return export(folder / "r.json", target, folder)


def check(target: str, objective: str, technique: str, done: tuple[int, Any, str]) -> bool:
    """Whether it was written; what cannot be said is refused by name, with what the target can say."""
    code, said, words = done
    objectives, techniques = SAYS[target]
    if objective in objectives and technique in techniques:
        assert code == 0, (target, objective, technique, said, words[-2000:])
        assert all(each["passed"] for each in said["checks"])
        return True
    assert code == 2, (target, objective, technique, said)
    assert f"ft/{objective}:{technique}" in words
    assert "[export.label]" in words
    return False


@pytest.mark.slow
@pytest.mark.parametrize("target", sorted(set(SAYS) - set(SCRIPTED)))
def test_every_method_reaches_the_target_or_is_refused_with_the_reason(
    world: Path, tmp_path: Path, target: str
) -> None:
    written = 0
    for _, objective, technique in cases({target}):
        folder = tmp_path / f"{objective}-{technique}"
        written += check(target, objective, technique, exported(world, folder, target, objective, technique))
    assert written == len(SAYS[target][0]) * len(SAYS[target][1])
    for peer, code, name in JUDGES.get(target, ()):
        files = sorted(tmp_path.glob(f"*/{target}/{name}"))
        assert len(files) == written
        judge(peer, code, files)


@pytest.mark.slow
@pytest.mark.parametrize("technique", Technique)
def test_every_method_has_a_script_that_reads_the_runs_rows(world: Path, tmp_path: Path, technique: str) -> None:
    for objective in Objective if technique == "lora" else ("sft", "cpt", "grpo", "rlhf_ppo"):
        done = exported(world, tmp_path / objective, "trl-script", objective, technique)
        assert check("trl-script", objective, technique, done)
        compile((tmp_path / objective / "train.py").read_text(), "train.py", "exec")


AUTOTRAIN_READS = """
from autotrain.parser import AutoTrainConfigParser
parser = AutoTrainConfigParser(sys.argv[1])
kind = parser.task_param_map[parser.task]
unknown = [key for key in parser.parsed_config if key not in kind.model_fields]
assert not unknown, unknown
kind(**parser.parsed_config)
print("READ")
"""
JUDGES = {
    "axolotl": [("axo", AXOLOTL_READS, "axolotl.yaml")],
    "llamafactory": [("lf", FACTORY_READS, "train.yaml")],
    "autotrain": [("at", AUTOTRAIN_READS, "autotrain.yaml")],
}


def judge(peer: str, code: str, files: list[Path]) -> None:
    """The peer's own reader takes every file, all in one process."""
    python = PEERS / peer / "bin" / "python"
    if not python.exists():
        return
    for file in files:
        file.write_text(file.read_text().replace("use_cpu: false", "use_cpu: true"))
    loop = f"import os, sys\nCODE = {code!r}\nfor file in sys.argv[1:]:\n    sys.argv[1] = os.path.basename(file)\n"
    loop += "    os.chdir(os.path.dirname(file))\n    exec(CODE, {'__name__': 'judge'})\n"
    env = {**ENV, "PATH": f"{python.parent}:{ENV['PATH']}"}
    done = subprocess.run([python, "-c", loop, *files], capture_output=True, text=True, env=env)
    assert done.stdout.count("READ") == len(files), (done.stdout[-1000:], done.stderr[-3000:])
