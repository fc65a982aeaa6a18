"""A plain TRL script, as its documentation shows it: `python plain_trl.py RECIPE recipe|defaults`.

`recipe`: the recipe's own numbers, nothing watched. `defaults`: TRL's defaults, model, data and adapter the recipe's.
The last line printed is JSON: the tokens that are no padding, as TRL counted them, by step.
"""

import json
import sys
from pathlib import Path

import yaml
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer


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
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(output_dir=f"{path}.out", save_strategy="no", report_to="none", use_cpu=True, **chosen),
        train_dataset=rows,
        processing_class=tokenizer,
        peft_config=LoraConfig(r=adapter["rank"], lora_alpha=adapter["alpha"], target_modules="all-linear"),
    )
    trainer.train()
    print(json.dumps({log["step"]: log["num_tokens"] for log in trainer.state.log_history if "num_tokens" in log}))


if __name__ == "__main__":
    main(*sys.argv[1:])
