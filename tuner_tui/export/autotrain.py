"""AutoTrain's YAML with the rows beside it; what its few settings cannot say is listed."""

from __future__ import annotations

from typing import Any

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import Precision
from tuner_tui.export.concrete import Concrete, concrete, unexpressed
from tuner_tui.export.jsonl import lines, turns
from tuner_tui.export.openai import epochs
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.peer_file import peer_notes, write_yaml

TASKS = {
    **dict.fromkeys((Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL), "llm-sft"),
    Objective.DISTILL: "llm-sft",
    Objective.CPT: "llm-generic",
    Objective.DPO: "llm-dpo",
    Objective.ORPO: "llm-orpo",
}
SAID = (
    *("model.id", "seed", "train.epochs", "train.max_steps", "train.learning_rate", "train.scheduler"),
    *("train.warmup_ratio", "train.weight_decay", "train.max_grad_norm", "train.optimizer", "train.micro_batch"),
    *("train.grad_accum", "train.max_length", "train.grad_ckpt", "train.precision", "train.log_steps", "train.beta"),
    *("train.keep_checkpoints", "adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets"),
)


def export(task: Task) -> Outcome:
    """Write `autotrain/autotrain.yaml` and `autotrain/data/`."""
    kind = TASKS[task.source.one_stage(TASKS)]
    work = concrete(task)
    plain = work.objective is Objective.CPT
    if not work.chat and not plain:
        raise InputError("export.needs_template", model=work.model)
    row = text_row if plain else preference_row if work.compares else chat_row
    for name, examples in (("train", work.train), ("valid", work.held_out)):
        task.place.write(f"autotrain/data/{name}.jsonl", lines(map(row, examples)))
    content = {"task": kind, "base_model": work.model, "project_name": "output", "log": "none", "backend": "local"}
    check = write_yaml(task, "autotrain/autotrain.yaml", {**content, "data": data(work), "params": params(work)})
    missing = unexpressed(task, "autotrain", SAID)
    if plain:
        missing["texts"] = task.say("unsaid_joined", target="autotrain", length=work.recipe.train.max_length)
    elif not work.compares:
        missing["masks"] = task.say("unsaid_masks", target="autotrain")
    notes = peer_notes(task, work, "autotrain", "autotrain --config autotrain.yaml")
    return Outcome(checks=[check], notes=notes, unexpressed=missing)


def chat_row(example: Any) -> dict[str, Any]:
    """One conversation."""
    return {"messages": turns(example, example.completion)}


def text_row(example: Any) -> dict[str, Any]:
    """One text."""
    return {"text": example.completion}


def preference_row(example: Any) -> dict[str, Any]:
    """Two conversations that begin alike."""
    return {
        "prompt": example.question,
        "chosen": turns(example, example.completion),
        "rejected": turns(example, example.rejected),
    }


def data(work: Concrete) -> dict[str, Any]:
    """The two files and their columns."""
    plain = work.objective is Objective.CPT
    columns = {"text_column": "text" if plain else "messages"}
    if work.compares:
        columns = {"text_column": "chosen", "rejected_text_column": "rejected", "prompt_text_column": "prompt"}
    found: dict[str, Any] = {
        "path": "./data",
        "train_split": "train",
        "valid_split": "valid",
        "chat_template": None if plain else "tokenizer",
    }
    return {**found, "column_mapping": columns}


def params(work: Concrete) -> dict[str, Any]:
    """Hyperparameters under AutoTrain's names; it counts whole epochs only."""
    train, spec = work.recipe.train, work.recipe.adapter
    mixed = {Precision.BF16: "bf16", Precision.FP16: "fp16"}.get(work.precision)
    found: dict[str, Any] = {
        "block_size": train.max_length,
        "model_max_length": train.max_length,
        "epochs": epochs(work),
        "batch_size": train.micro_batch,
        "gradient_accumulation": train.grad_accum,
        "lr": train.learning_rate,
        "optimizer": train.optimizer,
        "scheduler": train.scheduler,
        "warmup_ratio": train.warmup_ratio,
        "weight_decay": train.weight_decay,
        "max_grad_norm": train.max_grad_norm,
        "disable_gradient_checkpointing": not train.grad_ckpt,
        "mixed_precision": mixed,
        "seed": work.recipe.seed,
        "logging_steps": train.log_steps,
        "save_total_limit": train.keep_checkpoints,
        "padding": "right",
        **({"add_eos_token": True} if work.objective is Objective.CPT else {}),
        "peft": work.technique != "full",
        "quantization": {None: None, "int8": "int8"}.get(work.quant, "int4"),
    }
    if work.compares:
        found["dpo_beta"] = work.beta
    if work.technique != "full":
        targets = spec.targets if isinstance(spec.targets, str) else ",".join(spec.targets)
        wanted = "q_proj,k_proj,v_proj,o_proj" if targets == "attention" else targets
        found |= {"lora_r": spec.rank, "lora_alpha": spec.alpha, "lora_dropout": spec.dropout}
        found["target_modules"] = wanted
    return found
