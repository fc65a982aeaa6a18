"""`trl sft --config trl.yaml` does what our run did: the same rows, the same numbers, the same losses."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import yaml

from advisor.methods import Objective
from advisor.recipe import Attention, Batching, Precision
from tuner_tui.export import numbers
from tuner_tui.export.concrete import Concrete, concrete, unexpressed
from tuner_tui.export.jsonl import lines, trl_row
from tuner_tui.export.numbers import hf_numbers, moved, order, targets
from tuner_tui.export.outcome import Check, Outcome, Task
from tuner_tui.export.proof import device

COMMANDS = {
    **dict.fromkeys((Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL), "sft"),
    Objective.DISTILL: "sft",
    Objective.CPT: "sft",
    Objective.DPO: "dpo",
    Objective.KTO: "kto",
}
DTYPES = {Precision.BF16: "bfloat16", Precision.FP16: "float16", Precision.FP32: "float32"}
SAID = (
    *numbers.SAID,
    *("model.id", "model.revision", "model.trust_remote_code"),
    *("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.dora", "adapter.rslora"),
    *("adapter.quant", "train.max_length", "train.packing", "train.grad_ckpt", "train.beta"),
    *("train.batching", "train.attention", "train.liger", "train.threads"),
)
ON_CPU = {"use_cpu": True, "bf16": False, "fp16": False}
KERNELS = {Attention.FLASH: "flash_attention_2", Attention.SDPA: "sdpa", Attention.EAGER: "eager"}


def export(task: Task) -> Outcome:
    """Write `trl/trl.yaml` and `trl/data/`, and let TRL's own parser read it."""
    command = COMMANDS[task.source.one_stage(COMMANDS)]
    work = concrete(task)
    task.place.write("trl/data/train.jsonl", lines(map(trl_row, work.train)))
    task.place.write("trl/data/test.jsonl", lines(map(trl_row, work.held_out)))
    path = task.place.write("trl/trl.yaml", text(work))
    notes = [task.say("note.trl", command=f"trl {command} --config trl.yaml"), task.say(machine_key(work))]
    if work.technique == "qlora" and work.precision is Precision.FP32:
        notes.append(task.say("note.trl_halves"))
    missing = unexpressed(task, "trl", {*SAID} - moved(work))
    if work.batching is Batching.GROUPED:
        missing["order"] = task.say("unsaid_order", target="trl")
    return Outcome(checks=[read_by_trl(task, command, path)], notes=notes, unexpressed=missing)


def machine_key(work: Concrete) -> str:
    """Which machine the file is written for."""
    return "note.for_cpu" if work.cpu else "note.for_gpu"


def text(work: Concrete) -> str:
    """The YAML."""
    parts = {**model(work), **adapter(work), **training(work), **objective(work)}
    return str(yaml.safe_dump(parts, sort_keys=False, allow_unicode=True))


def model(work: Concrete) -> dict[str, Any]:
    """Model, number format and data. Weights that move are held in fp32, frozen ones in the computation's format."""
    return {
        "model_name_or_path": work.model,
        "model_revision": work.recipe.model.revision or "main",
        "trust_remote_code": work.recipe.model.runs_code,
        "dtype": "float32" if work.technique == "full" else DTYPES[work.precision],
        **({"attn_implementation": KERNELS[work.attention]} if work.attention else {}),
        "dataset_name": "./data",
        "dataset_train_split": "train",
        "dataset_test_split": "test",
    }


def adapter(work: Concrete) -> dict[str, Any]:
    """The trained part."""
    spec = work.recipe.adapter
    if work.technique == "full":
        return {"use_peft": False}
    found: dict[str, Any] = {
        "use_peft": True,
        "lora_task_type": "CAUSAL_LM",
        "lora_r": spec.rank,
        "lora_alpha": spec.alpha,
        "lora_dropout": spec.dropout,
        "lora_target_modules": targets(work),
        "use_dora": spec.dora,
        "use_rslora": spec.rslora,
    }
    if work.quant == "int8":
        return {**found, "load_in_8bit": True}
    if work.quant is not None:
        nested = work.quant == "nf4_double"
        found |= {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "use_bnb_nested_quant": nested}
    return found


def training(work: Concrete) -> dict[str, Any]:
    """Hyperparameters."""
    train = work.recipe.train
    return {
        **({"env": {"OMP_NUM_THREADS": str(train.threads)}} if train.threads else {}),
        **hf_numbers(work),
        **order(work),
        **({} if train.liger is None else {"use_liger_kernel": train.liger}),
        "max_length": train.max_length,
        "gradient_checkpointing": train.grad_ckpt,
        **({"pad_token": work.pad} if work.pad and work.objective is not Objective.KTO else {}),
        "logging_nan_inf_filter": False,
    }


def objective(work: Concrete) -> dict[str, Any]:
    """What belongs to the objective alone."""
    if work.objective is Objective.DPO:
        return {"beta": work.beta, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]}
    if work.compares:
        return {"beta": work.beta}
    if work.objective is Objective.KTO:
        from tuner_tui.training.kto import weights

        liked, disliked = weights(work.train)
        return {"beta": work.beta, "desirable_weight": liked, "undesirable_weight": disliked}
    found = {"completion_only_loss": work.objective is not Objective.CPT, "packing": work.recipe.train.packing}
    return {**found, "eval_packing": False, "padding_free": work.batching is Batching.PADDING_FREE}


def read_by_trl(task: Task, command: str, path: Path) -> Check:
    """TRL's own parser reads the file; a key that it does not know fails the check.

    It refuses a GPU's number format where there is no GPU, so here the same file is then read for the CPU.
    """
    script: Any = importlib.import_module(f"trl.scripts.{command}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            read = Path(folder) / path.name
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            content.pop("env", None)  # the parser would set these here
            read.write_text(yaml.safe_dump(content if device() == "cuda" else content | ON_CPU), encoding="utf-8")
            script.make_parser(prog=f"trl {command}").parse_args_and_config(
                ["--config", str(read)], fail_with_unknown_args=True
            )
    except (ValueError, TypeError, SystemExit) as error:
        return task.check("trl_reads", False, detail=str(error)[:300])
    return task.check("trl_reads", True, detail="")
