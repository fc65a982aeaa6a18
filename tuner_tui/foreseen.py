"""GPU memory is computed from the recipe as it stands, before anything starts; the rest stays unknown."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.methods import Technique
from advisor.recipe import Precision, Recipe
from tuner_tui.foreign import mapping


def gpu_memory(recipe: Recipe, params_b: float | None) -> Any:
    """GiB per GPU that the run would hold at most (`low`, `likely`, `high`); None when too little is known.

    The model's own config.json comes first, then the catalogue, then its size in billions of parameters.
    """
    from advisor.memory import estimate, spec_from

    try:
        return estimate(spec_from(spec_of(recipe), "recipe")).peak_gb
    except InputError:
        return _by_size(recipe, params_b)


def spec_of(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a memory spec (contract 4.2); what it leaves open takes what our own training would use."""
    label, train, adapter = recipe.parsed_label, recipe.train, recipe.adapter
    technique = label.technique or Technique.LORA
    config = _config(recipe.model.id)
    spec: dict[str, Any] = {
        "model": {"config": config} if config is not None else {"id": recipe.model.id},
        "objective": label.objectives[0].value if label.objectives else "sft",
        "technique": technique.value,
        "seq_len": train.max_length,
        "micro_batch": train.micro_batch,
        "grad_accum": train.grad_accum,
        "grad_ckpt": train.grad_ckpt,
        "optimizer": train.optimizer,
        "packing": train.packing,
    }
    if technique is not Technique.FULL:
        spec["rank"] = adapter.rank
    if technique in (Technique.LORA, Technique.QLORA):
        spec |= {"targets": adapter.targets, "dora": adapter.dora, "lora_dropout": adapter.dropout}
    if train.precision is not Precision.AUTO:
        spec["precision"] = train.precision.value
    return spec


def _by_size(recipe: Recipe, params_b: float | None) -> Any:
    from advisor.memory import for_method

    label, train = recipe.parsed_label, recipe.train
    if not params_b or label.technique is None:
        return None
    objective = label.objectives[0].value if label.objectives else "sft"
    sizes = {"micro_batch": train.micro_batch, "seq_len": train.max_length}
    return for_method(params_b, label.technique.value, objective, **sizes)


@lru_cache(maxsize=16)
def _config(model: str) -> dict[str, Any] | None:
    """The config.json of a local folder; None for a hub name and for what cannot be read."""
    path = Path(model).expanduser() / "config.json"
    return mapping(path) or None
