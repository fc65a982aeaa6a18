"""Every target is one line here: what it needs and which entries it writes; nothing else knows the list."""

from __future__ import annotations

import msgspec

from advisor.errors import InputError


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One target. `module` holds `export(task) -> Outcome`; `entries` are what it writes into the folder.

    `weights`: it needs the trained weights of a finished run; else a recipe alone is enough.
    """

    name: str
    module: str
    entries: tuple[str, ...]
    weights: bool = False


TARGETS = {
    target.name: target
    for target in (
        Target(name="recipe", module="recipe", entries=("recipe.yaml",)),
        Target(name="trl-script", module="trl_script", entries=("train.py", "data", "chain")),
        Target(name="trl", module="trl", entries=("trl",)),
        Target(name="axolotl", module="axolotl", entries=("axolotl",)),
        Target(name="llamafactory", module="llamafactory", entries=("llamafactory",)),
        Target(name="autotrain", module="autotrain", entries=("autotrain",)),
        Target(name="unsloth", module="unsloth", entries=("train_unsloth.py", "data")),
        Target(name="notebook", module="notebook", entries=("notebook",)),
        Target(name="hf-jobs", module="hf_jobs", entries=("hf-jobs",)),
        Target(name="slurm", module="slurm", entries=("slurm",)),
        Target(name="skypilot", module="skypilot", entries=("skypilot",)),
        Target(name="openai", module="openai", entries=("openai",)),
        Target(name="azure", module="azure", entries=("azure",)),
        Target(name="rag", module="rag", entries=("rag",)),
        Target(name="prompt", module="prompt", entries=("prompt",)),
        Target(name="adapter", module="adapter", entries=("adapter",), weights=True),
        Target(name="merged", module="merged", entries=("merged",), weights=True),
        Target(name="hub", module="hub", entries=("hub",), weights=True),
        Target(name="gguf", module="gguf", entries=("gguf",), weights=True),
        Target(name="ollama", module="ollama", entries=("ollama",), weights=True),
        Target(name="vllm", module="vllm", entries=("vllm",), weights=True),
    )
}


def find_target(name: str) -> Target:
    """The target of that name; InputError lists what there is."""
    if name not in TARGETS:
        raise InputError("export.target", target=name, allowed=", ".join(TARGETS))
    return TARGETS[name]
