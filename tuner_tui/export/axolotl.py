"""Axolotl's YAML with the rows beside it: only the answer that we train on is marked to be trained on."""

from __future__ import annotations

from typing import Any

from advisor.methods import Objective
from advisor.recipe import Attention, Batching, Precision, Tracker
from tuner_tui.export import numbers
from tuner_tui.export.concrete import Concrete, concrete, unexpressed
from tuner_tui.export.jsonl import asked, lines
from tuner_tui.export.numbers import PROJECT, best, moved, targets
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.peer_file import peer_notes, write_yaml

OBJECTIVES = (Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL, Objective.DPO)
SAID = (
    *numbers.SAID,
    *("model.id", "model.revision", "model.trust_remote_code", "train.max_length", "train.packing", "train.grad_ckpt"),
    *("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.dora", "adapter.rslora"),
    *("adapter.quant", "train.beta", "train.batching", "train.attention", "train.liger", "train.patience"),
)
KERNELS = {Attention.FLASH: "flash_attention_2", Attention.SDPA: "sdpa", Attention.EAGER: "eager"}
TRACKERS: dict[Tracker, dict[str, Any]] = {
    Tracker.TENSORBOARD: {"use_tensorboard": True},
    Tracker.WANDB: {"use_wandb": True, "wandb_project": PROJECT},
    Tracker.MLFLOW: {"use_mlflow": True, "mlflow_experiment_name": PROJECT},
    Tracker.TRACKIO: {"use_trackio": True, "trackio_project_name": PROJECT},
}
LIGER = {
    "plugins": ["axolotl.integrations.liger.LigerPlugin"],
    "liger_rope": True,
    "liger_rms_norm": True,
    "liger_glu_activation": True,
    "liger_fused_linear_cross_entropy": True,
}
TURN_KEYS = {"message_property_mappings": {"role": "role", "content": "content"}}


def export(task: Task) -> Outcome:
    """Write `axolotl/axolotl.yaml` and `axolotl/data/`."""
    task.source.one_stage(OBJECTIVES)
    work = concrete(task)
    row = preference_row if work.compares else chat_row if work.chat else text_row
    for name, examples in (("train", work.train), ("test", work.held_out)):
        task.place.write(f"axolotl/data/{name}.jsonl", lines(row(example, work) for example in examples))
    check = write_yaml(task, "axolotl/axolotl.yaml", {**model(work), **data(work), **adapter(work), **training(work)})
    notes = peer_notes(task, work, "axolotl", "axolotl train axolotl.yaml")
    missing = unexpressed(task, "axolotl", {*SAID} - moved(work))
    if work.batching is Batching.GROUPED:
        missing["order"] = task.say("unsaid_order", target="axolotl")
    return Outcome(checks=[check], notes=notes, unexpressed=missing)


def chat_row(example: Any, work: Concrete) -> dict[str, Any]:
    """A conversation of which only the last answer is trained on."""
    before = [{**turn, "train": False} for turn in asked(example)]
    return {"messages": [*before, {"role": "assistant", "content": example.completion, "train": True}]}


def text_row(example: Any, work: Concrete) -> dict[str, Any]:
    """Plain text in two parts: the prompt, and the answer that is trained on."""
    return {"segments": [{"label": False, "text": example.prompt}, {"label": True, "text": example.completion}]}


def preference_row(example: Any, work: Concrete) -> dict[str, Any]:
    """A prompt with a chosen and a rejected answer, each one turn."""
    return {
        "prompt": asked(example),
        "chosen": {"role": "assistant", "content": example.completion},
        "rejected": {"role": "assistant", "content": example.rejected},
    }


def model(work: Concrete) -> dict[str, Any]:
    """The base model."""
    spec = work.recipe.model
    revision = {"revision_of_model": spec.revision} if spec.revision else {}
    padding = {"special_tokens": {"pad_token": work.pad}} if work.pad else {}
    return {"base_model": work.model, **revision, "trust_remote_code": spec.runs_code, **padding}


def data(work: Concrete) -> dict[str, Any]:
    """The two files, and how their rows are read."""
    if work.compares:
        kind = {"type": "chat_template.default", "field_messages": "prompt", **TURN_KEYS}
        kind |= {"field_chosen": "chosen", "field_rejected": "rejected"}
    elif work.chat:
        kind = {"type": "chat_template", "field_messages": "messages", **TURN_KEYS}
        kind |= {"message_field_training": "train", "roles_to_train": [], "train_on_eos": "turn"}
    else:
        kind = {"type": "input_output"}
    files = {
        name: [{"path": f"./data/{file}.jsonl", "ds_type": "json", "split": "train", **kind}]
        for name, file in (("datasets", "train"), ("test_datasets", "test"))
    }
    return {
        **files,
        "val_set_size": 0.0,
        "chat_template": "tokenizer_default",
        "shuffle_merged_datasets": False,
        "dataset_prepared_path": "./prepared",
        "sequence_len": work.recipe.train.max_length,
        "sample_packing": work.recipe.train.packing,
        "group_by_length": work.batching is Batching.GROUPED,
        **({"batch_flattening": True} if work.batching is Batching.PADDING_FREE else {}),
        "eval_sample_packing": False,
        **({"rl": "dpo", "rl_beta": work.beta} if work.compares else {"train_on_inputs": False}),
    }


def adapter(work: Concrete) -> dict[str, Any]:
    """The trained part."""
    spec = work.recipe.adapter
    if work.technique == "full":
        return {}
    wanted = targets(work)
    layers = {"lora_target_linear": True} if wanted == "all-linear" else {"lora_target_modules": wanted}
    found: dict[str, Any] = {
        "adapter": work.technique,
        "lora_r": spec.rank,
        "lora_alpha": spec.alpha,
        "lora_dropout": spec.dropout,
        **layers,
        "peft_use_dora": spec.dora,
        "peft_use_rslora": spec.rslora,
    }
    if work.quant == "int8":
        return {**found, "adapter": "lora", "load_in_8bit": True}
    if work.quant is not None:
        found |= {"load_in_4bit": True, "bnb_config_kwargs": {"bnb_4bit_use_double_quant": work.quant == "nf4_double"}}
    return found


def training(work: Concrete) -> dict[str, Any]:
    """Hyperparameters under Axolotl's names; its GPU kernels are off where there is no GPU."""
    train = work.recipe.train
    length = {"max_steps": train.max_steps} if train.max_steps else {"num_epochs": train.epochs}
    kernels = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel")
    return {
        "output_dir": "./output",
        **length,
        "micro_batch_size": train.micro_batch,
        "gradient_accumulation_steps": train.grad_accum,
        "optimizer": train.optimizer,
        "learning_rate": train.learning_rate,
        "lr_scheduler": train.scheduler,
        "warmup_steps": work.warmup_steps,
        "weight_decay": train.weight_decay,
        "max_grad_norm": train.max_grad_norm,
        "gradient_checkpointing": train.grad_ckpt,
        "bf16": work.precision is Precision.BF16,
        "fp16": work.precision is Precision.FP16,
        "tf32": False,
        "seed": work.recipe.seed,
        "logging_steps": train.log_steps,
        "eval_steps": work.eval_steps,
        "save_steps": work.save_steps,
        "save_total_limit": train.keep_checkpoints,
        **({"early_stopping_patience": train.patience} if train.patience else {}),
        **best(work),
        **({"attn_implementation": KERNELS[work.attention]} if work.attention else {}),
        **(LIGER if train.liger else {}),
        **{key: value for tracker in train.report_to for key, value in TRACKERS[tracker].items()},
        **(dict.fromkeys(kernels, False) if work.cpu and work.technique != "full" else {}),
    }
