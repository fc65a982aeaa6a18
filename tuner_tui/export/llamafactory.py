"""LLaMA-Factory's YAML with `dataset_info.json` and the rows: the model's own template, the last answer trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from advisor.methods import Objective
from advisor.recipe import Attention, Batching
from tuner_tui.export import numbers
from tuner_tui.export.concrete import Concrete, concrete, unexpressed
from tuner_tui.export.jsonl import asked, lines, turns
from tuner_tui.export.numbers import hf_numbers, moved, order, targets
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.peer_file import peer_notes, write_yaml

SUPERVISED = (Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL, Objective.DISTILL)
STAGES = {
    **dict.fromkeys(SUPERVISED, "sft"),
    **dict.fromkeys((Objective.DPO, Objective.ORPO), "dpo"),
    Objective.CPT: "pt",
    Objective.KTO: "kto",
}
SAID = (
    *numbers.SAID,
    *("model.id", "model.revision", "model.trust_remote_code", "train.max_length", "train.packing", "train.grad_ckpt"),
    *("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.dora", "adapter.rslora"),
    *("adapter.quant", "train.beta", "train.batching", "train.attention", "train.liger", "train.patience"),
    "model.adapter",
)
KERNELS = {Attention.FLASH: "fa2", Attention.SDPA: "sdpa", Attention.EAGER: "disabled"}
TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


def export(task: Task) -> Outcome:
    """Write `llamafactory/train.yaml` and `llamafactory/data/`."""
    task.source.one_stage(STAGES, goes_on=True)
    work = concrete(task)
    row = row_of(work)
    for name, examples in (("train", work.train), ("test", work.held_out)):
        task.place.write(f"llamafactory/data/{name}.jsonl", lines(map(row, examples)))
    task.place.write("llamafactory/data/dataset_info.json", json.dumps(info(work), indent=2) + "\n")
    check = write_yaml(task, "llamafactory/train.yaml", {**model(work), **data(work), **method(work), **training(work)})
    notes = peer_notes(task, work, "llamafactory", "llamafactory-cli train train.yaml")
    lost = {"train.batching"} if work.batching is Batching.PADDING_FREE else set()
    missing = unexpressed(task, "llamafactory", {*SAID} - moved(work) - lost)
    if work.batching is Batching.GROUPED:
        missing["order"] = task.say("unsaid_order", target="llamafactory")
    if work.pad:
        missing["pad"] = task.say("unsaid_pad", target="llamafactory", token=work.pad)
    if work.long and not work.recipe.train.packing:
        missing["long"] = task.say("unsaid_long", target="llamafactory", length=work.recipe.train.max_length)
    return Outcome(checks=[check], notes=notes, unexpressed=missing)


def row_of(work: Concrete) -> Callable[[Any], dict[str, Any]]:
    """How a row is written."""
    if work.objective is Objective.CPT:
        return lambda example: {"text": example.completion}
    if work.objective is Objective.KTO:
        return lambda example: {**chat_row(example), "label": example.liked}
    return preference_row if work.compares else chat_row


def chat_row(example: Any) -> dict[str, Any]:
    """One conversation, the answer last."""
    return {"messages": turns(example, example.completion)}


def preference_row(example: Any) -> dict[str, Any]:
    """A prompt with a chosen and a rejected answer, each one turn."""
    return {
        "conversations": asked(example),
        "chosen": {"role": "assistant", "content": example.completion},
        "rejected": {"role": "assistant", "content": example.rejected},
    }


def info(work: Concrete) -> dict[str, Any]:
    """What the two files hold."""
    if work.objective is Objective.CPT:
        return {name: {"file_name": f"{name}.jsonl", "columns": {"prompt": "text"}} for name in ("train", "test")}
    columns = {"messages": "messages"} | ({"kto_tag": "label"} if work.objective is Objective.KTO else {})
    if work.compares:
        columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}
    found: dict[str, Any] = {"formatting": "sharegpt", "ranking": work.compares, "columns": columns, "tags": TAGS}
    return {name: {"file_name": f"{name}.jsonl", **found} for name in ("train", "test")}


def model(work: Concrete) -> dict[str, Any]:
    """The base model, quantized for QLoRA, and the adapter of an earlier run that goes on."""
    spec = work.recipe.model
    found: dict[str, Any] = {
        "model_name_or_path": work.model,
        "model_revision": spec.revision or "main",
        "trust_remote_code": spec.runs_code,
        **({"adapter_name_or_path": work.earlier} if work.earlier else {}),
        **({"flash_attn": KERNELS[work.attention]} if work.attention else {}),
        **({} if work.recipe.train.liger is None else {"enable_liger_kernel": work.recipe.train.liger}),
    }
    if work.quant == "int8":
        return {**found, "quantization_bit": 8, "quantization_method": "bnb"}
    if work.quant is None:
        return found
    return {
        **found,
        "quantization_bit": 4,
        "quantization_method": "bnb",
        "quantization_type": "nf4",
        "double_quantization": work.quant == "nf4_double",
    }


def data(work: Concrete) -> dict[str, Any]:
    """The rows. Without `template` the tool takes the one in the model's tokenizer; plain prompts get none."""
    return {
        "dataset_dir": "./data",
        "dataset": "train",
        "eval_dataset": "test",
        **({} if work.chat and work.objective is not Objective.CPT else {"template": "empty"}),
        "cutoff_len": work.recipe.train.max_length,
        "packing": work.recipe.train.packing,
        "mask_history": STAGES[work.objective] == "sft",
        "overwrite_cache": True,
    }


def method(work: Concrete) -> dict[str, Any]:
    """Stage, technique and what belongs to them."""
    spec = work.recipe.adapter
    stage: dict[str, Any] = {"stage": STAGES[work.objective], "do_train": True}
    if work.objective is Objective.KTO:
        from tuner_tui.training.kto import weights

        liked, disliked = weights(work.train)
        stage |= {"pref_beta": work.beta, "kto_chosen_weight": liked, "kto_rejected_weight": disliked}
    if work.compares:
        loss = "orpo" if work.objective is Objective.ORPO else "sigmoid"
        anchor = {} if work.objective is Objective.ORPO else {"pref_ftx": 0.2}
        stage |= {"pref_beta": work.beta, "pref_loss": loss, **anchor}
    if work.technique == "full":
        return {**stage, "finetuning_type": "full"}
    wanted = targets(work)
    return {
        **stage,
        "finetuning_type": "lora",
        "lora_rank": spec.rank,
        "lora_alpha": spec.alpha,
        "lora_dropout": spec.dropout,
        "lora_target": "all" if wanted == "all-linear" else ",".join(wanted),
        "use_dora": spec.dora,
        "use_rslora": spec.rslora,
    }


def training(work: Concrete) -> dict[str, Any]:
    """Hyperparameters."""
    patience = work.recipe.train.patience
    early = {} if patience is None else {"early_stopping_steps": patience}
    checkpointing = {"disable_gradient_checkpointing": not work.recipe.train.grad_ckpt}
    return {**hf_numbers(work), **order(work), **early, **checkpointing}
