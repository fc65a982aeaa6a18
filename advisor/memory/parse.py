"""A spec from plain data, strictly: an unknown key or value is refused by name, and what was left out is said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, TypeVar

from advisor.architecture import Architecture, from_config
from advisor.catalog import config_of
from advisor.errors import InputError
from advisor.linears import linears
from advisor.memory.optimizers import OPTIMIZERS
from advisor.memory.spec import ADAPTERS, PRECISIONS, QUANTS, Attention, Loss, Spec, Strategy, ours
from advisor.memory.weights import adapted, head_adapted
from advisor.methods import Objective, Technique

Find = Callable[[str], Any]
E = TypeVar("E", bound=StrEnum)
KEYS = (
    "id", "model", "objective", "technique", "rank", "targets", "seq_len", "micro_batch", "grad_accum", "grad_ckpt",
    "optimizer", "attn", "precision", "quant", "adapter_dtype", "autocast", "dora", "lora_dropout", "loss", "packing",
    "n_gpus", "strategy", "gpu",
)  # fmt: skip
_LIMITS = {"rank": 65536, "seq_len": 10**8, "micro_batch": 10**6, "grad_accum": 10**7, "n_gpus": 10**5}
_SAID = (
    "technique",
    "objective",
    "rank",
    "seq_len",
    "micro_batch",
    "grad_ckpt",
    "optimizer",
    "attn",
    "precision",
    "loss",
)


def spec_from(raw: Any, source: str, find: Find = config_of) -> Spec:
    """A spec from plain data by contract 4.2; `find` gives the config.json of a model id, or None.

    InputError names the source, the key, and what is allowed there.
    """
    if not isinstance(raw, dict):
        raise InputError("memory.not_mapping", source=source, found=type(raw).__name__)
    for key in raw:
        if key not in KEYS:
            raise InputError("memory.key", source=source, key=key, allowed=", ".join(KEYS))
    given = {key: value for key, value in raw.items() if value is not None}
    technique = _choice(given, "technique", Technique, Technique.LORA, source)
    arch, name = _model(given.get("model"), source, find)
    changes = _read(given, source)
    default = ours(technique, arch)
    changes["autocast"] = _autocast(given, default, changes, source)
    changes["fused_qkv"] = changes.get("adapter_dtype") == "bf16" and not changes["autocast"]
    changes["lifts"] = changes.get("attn") is not Attention.FLASH
    changes["assumed"] = _assumed(given, default, arch)
    changes["model_name"] = name
    changes["inputs_kept"] = "adapter_dtype" in given and changes.get("quant", default.quant) in ("nf4", "nf4_double")
    if technique is Technique.PREFIX:
        changes["grad_ckpt"] = False
    if technique is not Technique.QLORA and "quant" in changes and technique is Technique.FULL:
        raise InputError("memory.value", source=source, key="quant", value=changes["quant"], allowed="null")
    found = ours(technique, arch, **changes)
    if technique in ADAPTERS and not adapted(found) and not head_adapted(found):
        raise InputError("memory.targets", source=source, targets=found.targets, names=_names(arch))
    return found


def _names(arch: Architecture) -> str:
    """Layers that can carry an adapter."""
    return ", ".join(sorted({linear.name.rpartition(".")[2] for linear in linears(arch)}))


def _read(given: dict[str, Any], source: str) -> dict[str, Any]:
    """The keys that were given, checked one by one."""
    changes: dict[str, Any] = {}
    for key in ("rank", "seq_len", "micro_batch", "grad_accum", "n_gpus"):
        if key in given:
            changes[key] = _count(given[key], key, source)
    for key in ("grad_ckpt", "dora", "packing"):
        if key in given:
            changes[key] = _flag(given[key], key, source)
    kinds: tuple[tuple[str, type[StrEnum]], ...] = (
        ("objective", Objective), ("attn", Attention), ("loss", Loss), ("strategy", Strategy),
    )  # fmt: skip
    for key, kind in kinds:
        if key in given:
            changes[key] = _choice(given, key, kind, None, source)
    words = {
        "precision": PRECISIONS,
        "quant": QUANTS,
        "adapter_dtype": ("fp32", "bf16", "fp16"),
        "optimizer": OPTIMIZERS,
    }
    for key, allowed in words.items():
        if key in given:
            changes[key] = _word(given[key], key, allowed, source)
    if changes.get("adapter_dtype") == "fp16":
        changes["adapter_dtype"] = "bf16"
    if "lora_dropout" in given:
        changes["lora_dropout"] = _share(given["lora_dropout"], source)
    if "targets" in given:
        changes["targets"] = _targets(given["targets"], source)
    for key in ("id", "gpu"):
        if key in given:
            changes[key] = str(given[key])
    return changes


def _autocast(given: dict[str, Any], default: Spec, changes: dict[str, Any], source: str) -> bool:
    """Whether the forward pass runs under autocast: as said, else as the trainer that such settings come from.

    A set-up that names its adapters' format describes the model alone: fp32 adapters on a half-precision model are
    then multiplied in fp32, as PEFT does without autocast. Prepared 4-bit models come from trainers that use it.
    """
    if "autocast" in given:
        return _flag(given["autocast"], "autocast", source)
    if changes.get("precision") == "fp32":
        return False
    if default.technique in ADAPTERS and "adapter_dtype" in given:
        return bool(changes.get("quant", default.quant)) and changes["adapter_dtype"] == "fp32"
    return bool(default.autocast and ("precision" not in given or not default.full))


def _assumed(given: dict[str, Any], default: Spec, arch: Architecture) -> tuple[str, ...]:
    """Keys of the sentences that say what the estimate took for granted."""
    found = [f"default:{key}={_shown(getattr(default, key))}" for key in _SAID if key not in given]
    if not arch.family_known:
        found.append(f"family:{arch.model_type}")
    if arch.mixer_layers:
        found.append(f"mixer:{arch.mixer_layers}:{arch.model_type}")
    if arch.own:
        found.append(f"streams:{arch.model_type}")
    for part in arch.other_parts:
        counted = arch.tower and part == "vision_config"
        found.append(f"tower_counted:{arch.tower / 1e9:.2f}:{part}" if counted else f"tower:{part}")
    return tuple(found)


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _model(raw: Any, source: str, find: Find) -> tuple[Architecture, str | None]:
    if isinstance(raw, str):
        raw = {"id": raw}
    if not isinstance(raw, dict):
        raise InputError("memory.model", source=source)
    for key in raw:
        if key not in ("config", "id"):
            raise InputError("memory.key", source=source, key=f"model.{key}", allowed="config, id")
    if raw.get("config") is not None:
        return from_config(raw["config"], source), str(raw["id"]) if raw.get("id") else None
    if not raw.get("id"):
        raise InputError("memory.model", source=source)
    name = str(raw["id"])
    config = find(name)
    if config is None:
        raise InputError("memory.unknown_model", source=source, id=name)
    return from_config(config, f"{source}: {name}"), name


def _count(value: Any, key: str, source: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LIMITS[key]:
        raise InputError("memory.value", source=source, key=key, value=value, allowed=f"1..{_LIMITS[key]}")
    return value


def _flag(value: Any, key: str, source: str) -> bool:
    if not isinstance(value, bool):
        raise InputError("memory.value", source=source, key=key, value=value, allowed="true, false")
    return value


def _share(value: Any, source: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise InputError("memory.value", source=source, key="lora_dropout", value=value, allowed="0 <= x < 1")
    return float(value)


def _word(value: Any, key: str, allowed: Iterable[str], source: str) -> str:
    if not isinstance(value, str) or value.lower() not in allowed:
        raise InputError("memory.value", source=source, key=key, value=value, allowed=", ".join(allowed))
    return value.lower()


def _choice(given: dict[str, Any], key: str, kind: type[E], default: E | None, source: str) -> E:
    value = given.get(key, default)
    try:
        return kind(str(value))
    except ValueError:
        raise InputError("memory.value", source=source, key=key, value=value, allowed=", ".join(kind)) from None


def _targets(value: Any, source: str) -> str | tuple[str, ...]:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) and item for item in value):
        return tuple(value)
    allowed = "all-linear, attention, [names]"
    raise InputError("memory.value", source=source, key="targets", value=value, allowed=allowed)
