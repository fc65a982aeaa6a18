"""A plain TRL script, as its documentation shows it: `python plain_trl.py RECIPE recipe|defaults` prints one JSON line.

`recipe`: the recipe's own numbers, nothing watched. `defaults`: TRL's defaults, model, data and adapter the recipe's.
`first_step_s` counts from the start of the process to the end of the first step.
"""

import json
import sys
import time
from pathlib import Path

import psutil
import yaml
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer


class Clock(TrainerCallback):
    """When each step ended, and the tokens that are no padding."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.tokens: list[int] = []
        self.seen = 0

    def count(self, model, args, inputs) -> None:
        if model.training:
            mask = inputs.get("attention_mask")
            self.seen += int(mask.sum() if mask is not None else inputs["input_ids"].numel())

    def on_step_end(self, args, state, control, **kwargs) -> None:
        self.ends.append(time.time())
        self.tokens.append(self.seen)


def settings(train: dict, seed: int) -> dict:
    return {
        "max_steps": train["max_steps"],
        "learning_rate": train["learning_rate"],
        "lr_scheduler_type": train["scheduler"],
        "warmup_steps": 0.05 * train["max_steps"],
        "weight_decay": train["weight_decay"],
        "max_grad_norm": train["max_grad_norm"],
        "optim": train["optimizer"],
        "per_device_train_batch_size": train["micro_batch"],
        "gradient_accumulation_steps": train["grad_accum"],
        "max_length": train["max_length"],
        "gradient_checkpointing": train["grad_ckpt"],
        "bf16": False,
        "seed": seed,
        "logging_steps": train["log_steps"],
    }


def main(path: str, mode: str) -> None:
    recipe = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    train, adapter = recipe["train"], recipe["adapter"]
    if train["threads"]:
        import torch

        torch.set_num_threads(train["threads"])
    chosen = settings(train, recipe["seed"]) if mode == "recipe" else {"max_steps": train["max_steps"]}
    tokenizer = AutoTokenizer.from_pretrained(recipe["model"]["id"])
    model = AutoModelForCausalLM.from_pretrained(recipe["model"]["id"])
    rows = load_dataset("json", data_files=recipe["data"]["train"], split="train")
    rows = rows.map(lambda row: {"prompt": row["messages"][:-1], "completion": row["messages"][-1:]})
    rows = rows.select_columns(["prompt", "completion"])
    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=f"{path}.out", save_strategy="no", report_to="none", use_cpu=True, **chosen),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=LoraConfig(r=adapter["rank"], lora_alpha=adapter["alpha"], target_modules="all-linear"),
        callbacks=[clock],
    )
    trainer.model.register_forward_pre_hook(clock.count, with_kwargs=True)
    trainer.train()
    first = clock.ends[0] - psutil.Process().create_time()
    print(json.dumps({"first_step_s": first, "ends": clock.ends, "tokens": clock.tokens}))


if __name__ == "__main__":
    main(*sys.argv[1:])
