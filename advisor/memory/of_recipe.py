"""A recipe's spec: the same words as our training reads them, so that an estimate is about the run that will be."""

from __future__ import annotations

from typing import Any

from advisor.architecture import from_config
from advisor.memory.spec import ADAPTERS, Attention, Loss, Spec, Strategy, ours
from advisor.methods import Objective, Technique
from advisor.recipe import Precision, Recipe

_HEAVIEST = (Objective.RLHF_PPO, Objective.GRPO, Objective.DPO, Objective.KTO, Objective.ORPO)


def of_recipe(recipe: Recipe, config: dict[str, Any], *, half: bool = True, seq_len: int | None = None) -> Spec:
    """The spec of a recipe's heaviest stage. `half` False: the device computes in fp32 (no GPU, or one without bf16).

    `seq_len` is the longest row's tokens where it is known, else the recipe's limit. Raises InputError for a config
    that cannot be read.
    """
    label, train, adapter = recipe.parsed_label, recipe.train, recipe.adapter
    technique = label.technique or Technique.LORA
    objective = next((kind for kind in _HEAVIEST if kind in label.objectives), label.objectives[0])
    wants_half = train.precision is not Precision.FP32 and (half or train.precision is not Precision.AUTO)
    name = "fp16" if train.precision is Precision.FP16 else "bf16"
    changes: dict[str, Any] = {
        "model_name": recipe.model.id,
        "objective": objective,
        "rank": adapter.rank,
        "targets": adapter.targets if isinstance(adapter.targets, str) else tuple(adapter.targets),
        "dora": adapter.dora,
        "lora_dropout": adapter.dropout,
        "seq_len": min(train.max_length, seq_len) if seq_len else train.max_length,
        **_each(recipe),
        "grad_ckpt": train.grad_ckpt and technique is not Technique.PREFIX,
        "optimizer": train.optimizer,
        "packing": train.packing,
        "attn": Attention.SDPA,
        "loss": Loss.CHUNKED,
        "autocast": wants_half,
    }
    if not wants_half:
        changes["precision"] = "fp32"
        changes["adapter_dtype"] = "fp32"
    else:
        changes["precision"] = f"{name}_mixed" if technique is Technique.FULL else name
    if technique is Technique.QLORA and adapter.quant:
        changes["quant"] = adapter.quant
    if technique in ADAPTERS and technique is not Technique.QLORA:
        changes["quant"] = None
    return ours(technique, from_config(config, recipe.model.id), **changes)


def _each(recipe: Recipe) -> dict[str, Any]:
    """What each of several processes does: the recipe's accumulation, else its micro-batch, is shared among them."""
    world, rows, accum = recipe.launch.world, recipe.train.micro_batch, recipe.train.grad_accum
    if accum % world == 0:
        accum //= world
    elif rows % world == 0:
        rows //= world
    strategy = Strategy(recipe.launch.strategy.value)
    return {"micro_batch": rows, "grad_accum": accum, "n_gpus": world, "strategy": strategy}
