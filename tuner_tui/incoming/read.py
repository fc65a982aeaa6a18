"""A configuration of Axolotl, LLaMA-Factory or TRL becomes a recipe; what has no place in one is listed.

So does a recipe of an earlier version of tuner itself; what its version meant otherwise is listed too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from advisor.document import MAX_BYTES, parse_document
from advisor.errors import InputError
from advisor.recipe import Recipe, recipe_from
from advisor.upgrade import VERSION, Upgrade
from tuner_tui.incoming import data
from tuner_tui.incoming.names import AXOLOTL, LLAMAFACTORY, PASSED_OVER, TRL

OWN = "tuner"
TOOLS = {"axolotl": AXOLOTL, "llamafactory": LLAMAFACTORY, "trl": TRL, OWN: {}}
OBJECTIVES = ("dpo", "orpo", "kto", "grpo", "sft", "cpt")


# TRL's command is not in its file: the keys that one command alone knows tell it.
BY_KEY = {"num_generations": "grpo", "desirable_weight": "kto", "beta": "dpo"}


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe, the tool it came from, the keys that found no place in it, and what an earlier version meant."""

    recipe: Recipe
    tool: str
    left: dict[str, Any]
    upgrades: list[Upgrade] = []


def read(path: Path, tool: str | None = None) -> Read:
    """Read a YAML or JSON configuration; InputError names the file and what is wrong with it."""
    raw = _mapping(path)
    tool = tool or _tool_of(raw, path)
    if tool not in TOOLS:
        raise InputError("incoming.tool", tool=tool, allowed=", ".join(TOOLS))
    if tool == OWN:
        upgrades: list[Upgrade] = []
        recipe = recipe_from(raw, str(path), upgrades)
        return Read(recipe=recipe, tool=OWN, left={}, upgrades=upgrades)
    known: set[str] = set()
    found: dict[str, Any] = {"version": VERSION, "name": path.stem, "model": {}, "adapter": {}, "train": {}}
    for theirs, ours in TOOLS[tool].items():
        if raw.get(theirs) is not None:
            _put(found, ours, _number(raw[theirs]))
            known.add(theirs)
    if tool == "axolotl" and isinstance(raw.get("trl"), dict):
        _within(found, raw["trl"], known)
    _settle(found, raw, known)
    technique = _technique(raw, tool, found, known)
    found["label"] = f"ft/{_objective(raw, tool, known)}:{technique}"
    found["data"] = data.of(tool, raw, path.parent, known)
    if technique == "full":
        found.pop("adapter")
    if not found["model"].get("id"):
        raise InputError("incoming.no_model", path=path)
    left = {key: value for key, value in raw.items() if key not in known and key not in PASSED_OVER}
    return Read(recipe=recipe_from(found, str(path)), tool=tool, left=left)


def _mapping(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = parse_document(file.read(MAX_BYTES + 1), str(path))
    except FileNotFoundError:
        raise InputError("file.missing", path=path) from None
    except OSError as error:
        detail = error.strerror or str(error)
        raise InputError("file.unreadable", path=path, detail=detail) from None
    if not isinstance(raw, dict):
        raise InputError("recipe.not_mapping", source=path, found=type(raw).__name__)
    return {str(key): value for key, value in raw.items()}


def _tool_of(raw: dict[str, Any], path: Path) -> str:
    """Whose file it is, by the keys that only one of them has."""
    if "label" in raw:
        return OWN
    if "base_model" in raw:
        return "axolotl"
    if "stage" in raw or "finetuning_type" in raw:
        return "llamafactory"
    if "model_name_or_path" in raw:
        return "trl"
    raise InputError("incoming.unknown", path=path, tools=", ".join(TOOLS))


def _put(found: dict[str, Any], key: str, value: Any) -> None:
    part, _, name = key.rpartition(".")
    (found[part] if part else found)[name] = value


def _within(found: dict[str, Any], inner: dict[str, Any], known: set[str]) -> None:
    """Axolotl keeps the numbers of reinforcement below `trl`."""
    for theirs, ours in {"num_generations": "train.generations", "beta": "train.beta"}.items():
        if inner.get(theirs) is not None:
            _put(found, ours, _number(inner[theirs]))
    if inner.keys() <= {"num_generations", "beta", "use_vllm"}:
        known.add("trl")


def _number(value: Any) -> Any:
    """YAML 1.1 reads 2e-4 as text; every one of these tools means a number."""
    if isinstance(value, str) and value[:1] in "+-.0123456789":
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _settle(found: dict[str, Any], raw: dict[str, Any], known: set[str]) -> None:
    """Rules that no table can say: steps as a share, no limit as -1, number formats, checkpointing said backwards."""
    train = found["train"]
    if (train.get("max_steps") or 0) <= 0:
        train.pop("max_steps", None)
    if found["model"].get("revision") == "main":
        found["model"].pop("revision")
    warmup = raw.get("warmup_steps")
    if isinstance(warmup, int | float) and "warmup_ratio" not in train:
        if warmup < 1:
            train["warmup_ratio"] = warmup
            known.add("warmup_steps")
        elif train.get("max_steps"):
            train["warmup_ratio"] = warmup / train["max_steps"]
            known.add("warmup_steps")
    if raw.get("bf16") or raw.get("fp16"):
        train["precision"] = "bf16" if raw.get("bf16") else "fp16"
    elif raw.get("bf16") is False and not raw.get("fp16"):
        train["precision"] = "fp32"
    known |= {"bf16", "fp16"}
    if "disable_gradient_checkpointing" in raw:
        train["grad_ckpt"] = not raw["disable_gradient_checkpointing"]
        known.add("disable_gradient_checkpointing")


def _technique(raw: dict[str, Any], tool: str, found: dict[str, Any], known: set[str]) -> str:
    """full, lora or qlora, with its targets."""
    known |= {"use_peft", "finetuning_type", "adapter", "lora_target_linear", "lora_target_modules", "lora_target"}
    known |= {"load_in_4bit", "load_in_8bit", "quantization_bit", "quantization_method", "quantization_type"}
    known |= {"double_quantization", "bnb_4bit_quant_type", "use_bnb_nested_quant", "bnb_config_kwargs", "dtype"}
    adapted = {"trl": raw.get("use_peft"), "llamafactory": raw.get("finetuning_type") == "lora"}.get(tool)
    if not (bool(raw.get("adapter")) if tool == "axolotl" else adapted):
        return "full"
    targets = raw.get("lora_target_modules") or raw.get("lora_target")
    if raw.get("lora_target_linear") or targets in ("all", "all-linear"):
        targets = "all-linear"
    elif isinstance(targets, str):
        targets = [name.strip() for name in targets.split(",")]
    if targets:
        found["adapter"]["targets"] = targets
    quant = _quant(raw)
    if quant is None:
        return "lora"
    found["adapter"]["quant"] = quant
    return "qlora"


def _quant(raw: dict[str, Any]) -> str | None:
    if raw.get("load_in_8bit") or raw.get("quantization_bit") == 8:
        return "int8"
    if not (raw.get("load_in_4bit") or raw.get("quantization_bit") == 4):
        return None
    nested = raw.get("use_bnb_nested_quant", raw.get("double_quantization"))
    if nested is None:
        # TRL nests only when asked; the others nest unless told not to.
        nested = (raw.get("bnb_config_kwargs") or {}).get("bnb_4bit_use_double_quant", "use_peft" not in raw)
    return "nf4_double" if nested else "nf4"


def _objective(raw: dict[str, Any], tool: str, known: set[str]) -> str:
    """What the weights are moved toward, by the word that each tool has for it."""
    known |= {"rl", "stage", "pref_loss", "completion_only_loss", "loss_type"}
    if tool == "axolotl":
        texts = "completion" in {each.get("type") for each in raw.get("datasets") or [] if isinstance(each, dict)}
        named = str(raw.get("rl") or ("cpt" if texts else "sft"))
    elif tool == "llamafactory":
        stage = str(raw.get("stage", "sft"))
        named = "orpo" if raw.get("pref_loss") == "orpo" else {"pt": "cpt"}.get(stage, stage)
    else:
        named = next((name for key, name in BY_KEY.items() if key in raw), "sft")
        named = "cpt" if named == "sft" and raw.get("completion_only_loss") is False else named
    if named not in OBJECTIVES:
        raise InputError("incoming.objective", tool=tool, found=named, allowed=", ".join(OBJECTIVES))
    return named
