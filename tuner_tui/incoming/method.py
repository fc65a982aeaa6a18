"""What a configuration trains and how weights move, by each tool's own word for it; any other word is refused."""

from __future__ import annotations

from advisor.errors import InputError
from tuner_tui.incoming.draft import Draft

OBJECTIVES = ("dpo", "orpo", "kto", "grpo", "sft", "cpt")
# TRL's command is not in its file: the keys that one command alone knows tell it.
TRL_COMMANDS = {
    "grpo": ("num_generations", "reward_funcs", "max_completion_length"),
    "kto": ("desirable_weight", "undesirable_weight"),
    "dpo": ("beta", "precompute_ref_log_probs", "sync_ref_model", "f_divergence_type", "loss_weights"),
}
LOSSES = {"trl": ("loss_type", "loss_weights"), "axolotl": ("dpo_loss_type", "dpo_loss_weights")}
OURS = (["sigmoid", "sft"], [1.0, 0.2])  # the loss of our own preference training
ANCHOR = 0.2
LIGER = "axolotl.integrations.liger.LigerPlugin"


def objective_of(draft: Draft) -> str:
    """What the weights are moved toward; InputError when no recipe has such an objective."""
    named = {"axolotl": _axolotl, "llamafactory": _llamafactory, "trl": _trl}[draft.tool](draft)
    if named not in OBJECTIVES:
        raise InputError("incoming.objective", tool=draft.tool, found=named, allowed=", ".join(OBJECTIVES))
    if named == "dpo":
        _preference_loss(draft)
    return named


def _axolotl(draft: Draft) -> str:
    raw = draft.raw
    draft.known |= {"rl"}
    if raw.get("reward_model") or raw.get("process_reward_model"):
        return "reward_model"
    sets = [*(raw.get("datasets") or []), *(raw.get("pretraining_dataset") or [])]
    texts = "completion" in {each.get("type") for each in sets if isinstance(each, dict)}
    return str(raw.get("rl") or ("cpt" if texts or raw.get("pretraining_dataset") else "sft"))


def _llamafactory(draft: Draft) -> str:
    raw, stage = draft.raw, str(draft.raw.get("stage", "sft"))
    draft.known |= {"stage"}
    if stage != "dpo":
        return {"pt": "cpt"}.get(stage, stage)
    draft.known |= {"pref_loss"} if raw.get("pref_loss", "sigmoid") in ("sigmoid", "orpo") else set()
    return "orpo" if raw.get("pref_loss") == "orpo" else "dpo"


def _trl(draft: Draft) -> str:
    raw = draft.raw
    named = next((name for name, keys in TRL_COMMANDS.items() if any(key in raw for key in keys)), "sft")
    if named == "sft":
        draft.known |= {"completion_only_loss"}
        named = "cpt" if raw.get("completion_only_loss") is False else named
    if named == "grpo":
        return named
    draft.known |= {"loss_type"} if raw.get("loss_type") in ("nll", "kto") else set()
    return named


def _preference_loss(draft: Draft) -> None:
    """Our own preference training adds a share of the supervised loss; where the file does not, it is listed."""
    raw = draft.raw
    if draft.tool == "llamafactory":
        if raw.get("pref_ftx") == ANCHOR:
            draft.known.add("pref_ftx")
        else:
            draft.left["pref_ftx"] = raw.get("pref_ftx", 0.0)
        return
    kind, weights = LOSSES[draft.tool]
    if (raw.get(kind), raw.get(weights)) == OURS:
        draft.known |= {kind, weights}
    elif kind not in raw:
        draft.left[kind] = "sigmoid"


def technique_of(draft: Draft) -> str:
    """full, lora or qlora, with its targets; InputError for any other way."""
    raw = draft.raw
    named = {
        "trl": "lora" if raw.get("use_peft") else "full",
        "llamafactory": str(raw.get("finetuning_type", "lora")),
        "axolotl": str(raw.get("adapter") or "full"),
    }[draft.tool]
    if named not in ("full", "lora", "qlora"):
        raise InputError("incoming.technique", tool=draft.tool, found=named, allowed="full, lora, qlora")
    draft.known |= {
        "use_peft",
        "finetuning_type",
        "adapter",
        "lora_target_linear",
        "lora_target_modules",
        "lora_target",
    }
    draft.known |= {key for key in ("load_in_4bit", "load_in_8bit") if draft.raw.get(key) is False}
    if named == "full":
        return named
    _targets(draft)
    quant = _quant(draft)
    if quant is None:
        return "lora"
    draft.put("adapter.quant", quant)
    return "qlora"


def _targets(draft: Draft) -> None:
    raw = draft.raw
    targets = raw.get("lora_target_modules") or raw.get("lora_target")
    if raw.get("lora_target_linear") or targets in ("all", "all-linear", ["all-linear"]):
        targets = "all-linear"
    elif isinstance(targets, str) and draft.tool == "llamafactory":
        targets = [name.strip() for name in targets.split(",")]
    if targets:
        draft.put("adapter.targets", targets)


def _quant(draft: Draft) -> str | None:
    raw, known = draft.raw, draft.known
    bits = raw.get("quantization_bit")
    known |= {"load_in_4bit", "load_in_8bit", "use_bnb_nested_quant", "double_quantization"}
    known |= {"quantization_bit"} if bits in (4, 8) else set()
    if raw.get("load_in_8bit") or bits == 8:
        return "int8"
    if not (raw.get("load_in_4bit") or bits == 4):
        return None
    kwargs = raw.get("bnb_config_kwargs") or {}
    known |= {"bnb_config_kwargs"} if kwargs.keys() <= {"bnb_4bit_use_double_quant"} else set()
    # TRL nests only when asked; the others nest unless told not to.
    nested = raw.get("use_bnb_nested_quant", raw.get("double_quantization"))
    if nested is None:
        nested = kwargs.get("bnb_4bit_use_double_quant", draft.tool != "trl")
    return "nf4_double" if nested else "nf4"
