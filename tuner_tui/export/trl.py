"""`trl sft --config trl.yaml` does what our run did: the same rows, the same numbers, the same losses."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import yaml
from msgspec import structs

from advisor.methods import Objective
from advisor.recipe import Attention, Batching, Precision
from tuner_tui.export import numbers
from tuner_tui.export.concrete import Concrete, concrete, unexpressed
from tuner_tui.export.jsonl import lines, trl_row
from tuner_tui.export.numbers import hf_numbers, moved, order, targets, unlooked
from tuner_tui.export.outcome import Check, Outcome, Task
from tuner_tui.export.proof import device
from tuner_tui.export.reward_file import write_rewards

COMMANDS = {
    **dict.fromkeys((Objective.SFT, Objective.DOMAIN_QA, Objective.STYLE, Objective.REFUSAL), "sft"),
    Objective.DISTILL: "sft",
    Objective.CPT: "sft",
    Objective.DPO: "dpo",
    Objective.KTO: "kto",
    Objective.GRPO: "grpo",
    Objective.RLHF_PPO: "rloo",
}
DTYPES = {Precision.BF16: "bfloat16", Precision.FP16: "float16", Precision.FP32: "float32"}
SAID = (
    *numbers.SAID,
    *("model.id", "model.revision", "model.trust_remote_code"),
    *("adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.targets", "adapter.dora", "adapter.rslora"),
    *("adapter.quant", "train.max_length", "train.packing", "train.grad_ckpt", "train.beta"),
    *("train.batching", "train.attention", "train.liger", "train.threads", "train.generations"),
)
ON_CPU = {"use_cpu": True, "bf16": False, "fp16": False}
NOT_LOOKED = {"eval_strategy": "no", "save_strategy": "no"}
PADLESS = (Objective.KTO, Objective.GRPO, Objective.RLHF_PPO)
KERNELS = {Attention.FLASH: "flash_attention_2", Attention.SDPA: "sdpa", Attention.EAGER: "eager"}


def export(task: Task) -> Outcome:
    """Write `trl/trl.yaml` and `trl/data/`, what a reward comes from, and let TRL's own parser read it."""
    command = COMMANDS[task.source.one_stage(COMMANDS)]
    work = concrete(task)
    train, held_out = work.long or ([trl_row(each) for each in part] for part in (work.train, work.held_out))
    if work.tries > 1:
        train, held_out = prompts(work.train), prompts(work.held_out)
    task.place.write("trl/data/train.jsonl", lines(train))
    task.place.write("trl/data/test.jsonl", lines(held_out))
    checks, before = reward_source(task, work)
    path = task.place.write("trl/trl.yaml", text(work))
    notes = [task.say("note.trl", command=f"{before}trl {command} --config trl.yaml"), task.say(machine_key(work))]
    if work.technique == "qlora" and work.precision is Precision.FP32:
        notes.append(task.say("note.trl_halves"))
    missing = unexpressed(task, "trl", {*SAID} - moved(work) - unlooked(work))
    if work.batching is Batching.GROUPED:
        missing["order"] = task.say("unsaid_order", target="trl")
    if work.pad and work.objective in PADLESS:
        missing["pad"] = task.say("unsaid_pad", target="trl", token=work.pad)
    return Outcome(checks=[*checks, read_by_trl(task, command, path)], notes=notes, unexpressed=missing)


def prompts(examples: list[Any]) -> list[dict[str, Any]]:
    """Prompts with what their answers are checked against."""
    return [{"prompt": trl_row(each)["prompt"], "reference": each.completion} for each in examples]


def reward_source(task: Task, work: Concrete) -> tuple[list[Check], str]:
    """Write what a reward comes from: `rewards.py`, or the training of a reward model that comes first."""
    if work.objective is Objective.GRPO:
        return [write_rewards(task, "trl")], ""
    if work.objective is not Objective.RLHF_PPO:
        return [], ""
    for name, part in (("train", work.train), ("test", work.held_out)):
        task.place.write(f"trl/pairs/{name}.jsonl", lines(map(trl_row, part)))
    path = task.place.write("trl/reward.yaml", dumped(reward_model(work)))
    return [read_by_trl(task, "reward", path)], "trl reward --config reward.yaml && "


def reward_model(work: Concrete) -> dict[str, Any]:
    """The YAML of the reward model: as ours, all linear layers and a head, by the recipe's own numbers for it."""
    train = work.recipe.reward.train or work.recipe.train
    told = structs.replace(work, recipe=structs.replace(work.recipe, train=train), tries=1)
    numbers = {**hf_numbers(told), **NOT_LOOKED, "output_dir": "./reward", "max_length": train.max_length}
    found = {**model(told), "dtype": "float32", **numbers, "dataset_name": "./pairs", **env(told)}
    found.pop("load_best_model_at_end", None)
    if work.technique == "full":
        return found | {"use_peft": False}
    spec = work.recipe.adapter
    lora = {"lora_r": spec.rank, "lora_alpha": spec.alpha, "lora_dropout": 0.0, "lora_target_modules": "all-linear"}
    return found | {"use_peft": True, "lora_task_type": "SEQ_CLS", "lora_modules_to_save": ["score"], **lora}


def machine_key(work: Concrete) -> str:
    """Which machine the file is written for."""
    return "note.for_cpu" if work.cpu else "note.for_gpu"


def text(work: Concrete) -> str:
    """The YAML."""
    return dumped({**model(work), **adapter(work), **training(work), **objective(work)})


def dumped(content: dict[str, Any]) -> str:
    """YAML in the order of the keys."""
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


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
        **env(work),
        **hf_numbers(work),
        **order(work),
        **({} if train.liger is None else {"use_liger_kernel": train.liger}),
        **({} if work.tries > 1 else {"max_length": train.max_length}),
        "gradient_checkpointing": train.grad_ckpt,
        **({"pad_token": work.pad} if work.pad and work.objective not in PADLESS else {}),
        "logging_nan_inf_filter": False,
    }


def env(work: Concrete) -> dict[str, Any]:
    """How many threads the libraries use, which they read once."""
    threads = work.recipe.train.threads
    return {"env": {"OMP_NUM_THREADS": str(threads)}} if threads else {}


def objective(work: Concrete) -> dict[str, Any]:
    """What belongs to the objective alone."""
    if work.objective is Objective.DPO:
        return {"beta": work.beta, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.2]}
    if work.tries > 1:
        length = work.recipe.evaluation.max_new_tokens
        source: dict[str, Any] = {"reward_funcs": ["rewards.earned"]}
        if work.objective is Objective.RLHF_PPO:
            source = {"reward_model_name_or_path": "./reward"}
        tries = {"num_generations": work.tries, "max_completion_length": length, "temperature": 1.0}
        return {**source, "beta": work.beta, **tries}
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
