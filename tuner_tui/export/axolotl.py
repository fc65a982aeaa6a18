"""Axolotl's YAML with the rows beside it: only the answer that we train on is marked to be trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import Attention, Batching, Precision, Tracker
from tuner_tui.export import numbers
from tuner_tui.export.concrete import Concrete, concrete, unexpressed
from tuner_tui.export.jsonl import asked, lines, turns
from tuner_tui.export.numbers import PROJECT, best, moved, targets, unlooked
from tuner_tui.export.outcome import Outcome, Task
from tuner_tui.export.peer_file import peer_notes, write_yaml
from tuner_tui.export.reward_file import write_rewards

SUPERVISED = (Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL, Objective.DISTILL)
OBJECTIVES = (*SUPERVISED, Objective.CPT, Objective.DPO, Objective.ORPO, Objective.KTO, Objective.GRPO)
SAID = (
    *numbers.SAID,
    *("model.id", "model.revision", "model.trust_remote_code", "train.max_length", "train.packing", "train.grad_ckpt"),
    *("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.dora", "adapter.rslora"),
    *("adapter.quant", "train.beta", "train.batching", "train.attention", "train.liger", "train.patience"),
    *("model.adapter", "train.generations"),
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
    """Write `axolotl/axolotl.yaml` and `axolotl/data/`, for GRPO also `axolotl/rewards.py`."""
    task.source.one_stage(OBJECTIVES, goes_on=True)
    work = concrete(task)
    row = rows_for(task, work)
    for name, examples in (("train", work.train), ("test", work.held_out)):
        task.place.write(f"axolotl/data/{name}.jsonl", lines(row(example) for example in examples))
    checks = [write_rewards(task, "axolotl")] if work.objective is Objective.GRPO else []
    parts = {**model(work), **data(work), **method(work), **adapter(work), **training(work)}
    checks.append(write_yaml(task, "axolotl/axolotl.yaml", parts))
    notes = peer_notes(task, work, "axolotl", "axolotl train axolotl.yaml")
    missing = unexpressed(task, "axolotl", {*SAID} - moved(work) - unlooked(work))
    if work.batching is Batching.GROUPED:
        missing["order"] = task.say("unsaid_order", target="axolotl")
    return Outcome(checks=checks, notes=notes, unexpressed=missing)


def rows_for(task: Task, work: Concrete) -> Callable[[Any], dict[str, Any]]:
    """How a row is written; InputError when its conversation has more turns than the tool reads."""
    if work.objective is Objective.CPT:
        return lambda example: {"text": example.completion}
    if work.objective is Objective.GRPO:
        return lambda example: {"prompt": asked(example), "reference": example.completion}
    if work.objective is Objective.KTO:
        return lambda example: feedback_row(work, example)
    if work.objective is Objective.ORPO:
        roles = {tuple(turn["role"] for turn in asked(example)) for example in (*work.train, *work.held_out)}
        if not roles <= {("user",), ("system", "user")}:
            raise InputError("export.turns", target="axolotl", objective="orpo")
        return one_turn_row
    return preference_row if work.compares else chat_row if work.chat else text_row


def chat_row(example: Any) -> dict[str, Any]:
    """A conversation of which only the last answer is trained on."""
    before = [{**turn, "train": False} for turn in asked(example)]
    return {"messages": [*before, {"role": "assistant", "content": example.completion, "train": True}]}


def text_row(example: Any) -> dict[str, Any]:
    """Plain text in two parts: the prompt, and the answer that is trained on."""
    return {"segments": [{"label": False, "text": example.prompt}, {"label": True, "text": example.completion}]}


def preference_row(example: Any) -> dict[str, Any]:
    """A prompt with a chosen and a rejected answer, each one turn."""
    return {
        "prompt": asked(example),
        "chosen": {"role": "assistant", "content": example.completion},
        "rejected": {"role": "assistant", "content": example.rejected},
    }


def one_turn_row(example: Any) -> dict[str, Any]:
    """Two conversations of one question; what the system says stands apart."""
    *before, question = asked(example)
    system = {"system": before[0]["content"]} if before else {}
    answers = {"chosen": example.completion, "rejected": example.rejected}
    return system | {
        name: [question, {"role": "assistant", "content": text}] for name, text in answers.items()
    }  # fmt: skip


def feedback_row(work: Concrete, example: Any) -> dict[str, Any]:
    """A prompt and an answer as the model reads them, since the tool knows no template of its own for these."""
    if isinstance(example.prompt, str):
        return {"prompt": example.prompt, "completion": example.completion, "label": example.liked}
    prompt = work.rendered(list(example.prompt), open_ended=True)
    whole = work.rendered(turns(example, example.completion), open_ended=False)
    return {"prompt": prompt, "completion": whole[len(prompt) :], "label": example.liked}


def model(work: Concrete) -> dict[str, Any]:
    """The base model, and the adapter of an earlier run that goes on."""
    spec = work.recipe.model
    revision = {"revision_of_model": spec.revision} if spec.revision else {}
    padding = {"special_tokens": {"pad_token": work.pad}} if work.pad else {}
    earlier = {"lora_model_dir": work.earlier} if work.earlier else {}
    return {"base_model": work.model, **revision, "trust_remote_code": spec.runs_code, **padding, **earlier}


def kind_of(work: Concrete) -> dict[str, Any]:
    """How the rows of both files are read."""
    if work.objective is Objective.CPT:
        return {"type": "completion", "field": "text"}
    if work.objective is Objective.KTO:
        return {"type": {"field_prompt": "prompt", "field_completion": "completion", "field_label": "label"}}
    if work.objective is Objective.ORPO:
        return {"type": "chat_template.argilla"}
    if work.objective is Objective.GRPO:
        return {"type": "rewards.rows"}
    if work.compares:
        kind = {"type": "chat_template.default", "field_messages": "prompt", **TURN_KEYS}
        return kind | {"field_chosen": "chosen", "field_rejected": "rejected"}
    if work.chat:
        kind = {"type": "chat_template", "field_messages": "messages", **TURN_KEYS}
        return kind | {"message_field_training": "train", "roles_to_train": [], "train_on_eos": "turn"}
    return {"type": "input_output"}


def data(work: Concrete) -> dict[str, Any]:
    """The two files, and how their rows are read."""
    kind = kind_of(work)
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
    }


def method(work: Concrete) -> dict[str, Any]:
    """What belongs to the objective alone."""
    if work.objective is Objective.DPO:
        losses = {"dpo_loss_type": ["sigmoid", "sft"], "dpo_loss_weights": [1.0, 0.2]}
        return {"rl": "dpo", "rl_beta": work.beta, **losses}
    if work.objective is Objective.ORPO:
        return {"rl": "orpo", "orpo_alpha": work.beta}
    if work.objective is Objective.KTO:
        from tuner_tui.training.kto import weights

        liked, disliked = weights(work.train)
        found = {"rl": "kto", "rl_beta": work.beta, "remove_unused_columns": False}
        return {**found, "kto_desirable_weight": liked, "kto_undesirable_weight": disliked}
    if work.objective is Objective.GRPO:
        length = work.recipe.evaluation.max_new_tokens
        tries = {"num_generations": work.tries, "max_completion_length": length, "temperature": 1.0}
        return {
            "rl": "grpo",
            "trl": {"beta": work.beta, **tries, "use_vllm": False, "reward_funcs": ["rewards.earned"]},
        }
    return {"train_on_inputs": work.objective is Objective.CPT}


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
        **({"eval_strategy": "no"} if work.tries > 1 else {"eval_steps": work.eval_steps}),
        "save_steps": work.save_steps,
        "save_total_limit": train.keep_checkpoints,
        **({"early_stopping_patience": train.patience} if train.patience else {}),
        **best(work),
        **({"attn_implementation": KERNELS[work.attention]} if work.attention else {}),
        **(LIGER if train.liger else {}),
        **{key: value for tracker in train.report_to for key, value in TRACKERS[tracker].items()},
        **(dict.fromkeys(kernels, False) if work.cpu and work.technique != "full" else {}),
    }
