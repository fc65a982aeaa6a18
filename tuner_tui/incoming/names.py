"""Which key of another tool is which key of a recipe: tables, so that both directions can be compared."""

from __future__ import annotations

from typing import Any

# transformers' TrainingArguments, which TRL and LLaMA-Factory share.
HF = {
    "seed": "seed",
    "max_steps": "train.max_steps",
    "num_train_epochs": "train.epochs",
    "learning_rate": "train.learning_rate",
    "lr_scheduler_type": "train.scheduler",
    "warmup_ratio": "train.warmup_ratio",
    "weight_decay": "train.weight_decay",
    "max_grad_norm": "train.max_grad_norm",
    "optim": "train.optimizer",
    "per_device_train_batch_size": "train.micro_batch",
    "gradient_accumulation_steps": "train.grad_accum",
    "logging_steps": "train.log_steps",
    "eval_steps": "train.eval_steps",
    "save_steps": "train.save_steps",
    "save_total_limit": "train.keep_checkpoints",
    "load_best_model_at_end": "train.keep_best",
}
MODEL = {
    "model_name_or_path": "model.id",
    "model_revision": "model.revision",
    "trust_remote_code": "model.trust_remote_code",
}
LORA = {
    "lora_alpha": "adapter.alpha",
    "lora_dropout": "adapter.dropout",
    "use_dora": "adapter.dora",
    "use_rslora": "adapter.rslora",
}
TRL = {
    **HF,
    **MODEL,
    **LORA,
    "lora_r": "adapter.rank",
    "max_length": "train.max_length",
    "packing": "train.packing",
    "gradient_checkpointing": "train.grad_ckpt",
    "beta": "train.beta",
    "num_generations": "train.generations",
    "max_completion_length": "evaluation.max_new_tokens",
    "use_liger_kernel": "train.liger",
}
LLAMAFACTORY = {
    **HF,
    **MODEL,
    **LORA,
    "lora_rank": "adapter.rank",
    "adapter_name_or_path": "model.adapter",
    "cutoff_len": "train.max_length",
    "packing": "train.packing",
    "gradient_checkpointing": "train.grad_ckpt",
    "pref_beta": "train.beta",
    "early_stopping_steps": "train.patience",
    "enable_liger_kernel": "train.liger",
}
AXOLOTL = {
    "base_model": "model.id",
    "revision_of_model": "model.revision",
    "lora_model_dir": "model.adapter",
    "trust_remote_code": "model.trust_remote_code",
    "lora_r": "adapter.rank",
    "lora_alpha": "adapter.alpha",
    "lora_dropout": "adapter.dropout",
    "peft_use_dora": "adapter.dora",
    "peft_use_rslora": "adapter.rslora",
    "sequence_len": "train.max_length",
    "sample_packing": "train.packing",
    "micro_batch_size": "train.micro_batch",
    "gradient_accumulation_steps": "train.grad_accum",
    "num_epochs": "train.epochs",
    "max_steps": "train.max_steps",
    "optimizer": "train.optimizer",
    "learning_rate": "train.learning_rate",
    "lr_scheduler": "train.scheduler",
    "warmup_ratio": "train.warmup_ratio",
    "weight_decay": "train.weight_decay",
    "max_grad_norm": "train.max_grad_norm",
    "gradient_checkpointing": "train.grad_ckpt",
    "seed": "seed",
    "logging_steps": "train.log_steps",
    "eval_steps": "train.eval_steps",
    "save_steps": "train.save_steps",
    "save_total_limit": "train.keep_checkpoints",
    "load_best_model_at_end": "train.keep_best",
    "rl_beta": "train.beta",
    "orpo_alpha": "train.beta",
    "early_stopping_patience": "train.patience",
}
# Axolotl keeps the numbers of reinforcement below `trl`.
AXOLOTL_ONLINE = {
    "num_generations": "train.generations",
    "beta": "train.beta",
    "max_completion_length": "evaluation.max_new_tokens",
}
# What each tool takes where its file says nothing: read from TRL 1.16, LLaMA-Factory 0.9.5 and Axolotl 0.19.
_HF_DEFAULTS: dict[str, Any] = {
    "train.epochs": 3.0,
    "train.scheduler": "linear",
    "train.warmup_ratio": 0.0,
    "train.weight_decay": 0.0,
    "train.max_grad_norm": 1.0,
    "train.optimizer": "adamw_torch_fused",
    "train.micro_batch": 8,
    "train.grad_accum": 1,
    "train.grad_ckpt": True,
    "seed": 42,
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "trl": {
        **_HF_DEFAULTS,
        "train.learning_rate": 2e-5,
        "train.max_length": 1024,
        "train.log_steps": 10,
        "adapter.rank": 16,
        "adapter.alpha": 32,
        "adapter.dropout": 0.05,
        "adapter.targets": ["q_proj", "v_proj"],  # peft's own choice for Llama and its kin
    },
    "llamafactory": {
        **_HF_DEFAULTS,
        "train.learning_rate": 5e-5,
        "train.max_length": 2048,
        "train.log_steps": 500,
        "train.precision": "fp32",
        "adapter.rank": 8,
        "adapter.alpha": 16,
        "adapter.dropout": 0.0,
        "adapter.targets": "all-linear",
    },
    "axolotl": {
        **_HF_DEFAULTS,
        "train.learning_rate": 5e-5,
        "train.epochs": 1.0,
        "train.scheduler": "cosine",
        "train.warmup_ratio": 0.03,
        "train.micro_batch": 1,
        "train.max_length": 512,
        "train.grad_ckpt": False,
        "adapter.rank": 8,
        "adapter.alpha": 8,
        "adapter.dropout": 0.0,
    },
}
# TRL's commands differ in their rate, and in the numbers that are theirs alone.
PREFERENCE_RATE = 1e-6
GROUP_DEFAULTS: dict[str, Any] = {
    "train.generations": 8,
    "train.beta": 0.0,
    "evaluation.max_new_tokens": 512,
}
BETA = 0.1
ATTENTION = {
    "flash_attention_2": "flash",
    "fa2": "flash",
    "sdpa": "sdpa",
    "eager": "eager",
    "disabled": "eager",
    "auto": "auto",
}
TRACKERS = ("tensorboard", "wandb", "mlflow", "trackio")
# Schedules that need nothing besides their name.
SCHEDULERS = (
    *("linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup"),
    *("inverse_sqrt", "reduce_lr_on_plateau"),
)
# What says the same again, or where and how to write and log: nothing of the recipe hangs on it.
PASSED_OVER = frozenset(
    {
        *("output_dir", "logging_dir", "run_name", "overwrite_output_dir", "overwrite_cache", "plot_loss", "strict"),
        *(
            "do_train",
            "do_eval",
            "data_seed",
            "use_cpu",
            "logging_nan_inf_filter",
            "lora_task_type",
            "save_safetensors",
        ),
        *("per_device_eval_batch_size", "eval_batch_size", "eval_packing", "eval_sample_packing", "tf32"),
        *("preprocessing_num_workers", "dataset_num_proc", "dataset_processes", "dataloader_num_workers"),
        *("dataset_prepared_path", "shuffle_merged_datasets", "ddp_timeout", "save_only_model"),
        *("metric_for_best_model", "greater_is_better", "pad_to_sequence_len", "wandb_watch", "wandb_log_model"),
        *("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel"),
    }
)
# A value that asks for nothing beyond what a recipe does by itself.
ASKS_NOTHING: dict[str, tuple[Any, ...]] = {
    "eval_strategy": ("steps", "no", False),
    "save_strategy": ("steps", "no", False),
    "dataset_train_split": ("train",),
    "dataset_test_split": ("test",),
    "train_on_inputs": (False,),
    "mask_history": (False,),
    "temperature": (1.0,),
    "quantization_method": ("bnb", "bitsandbytes"),
    "quantization_type": ("nf4",),
    "bnb_4bit_quant_type": ("nf4",),
    "dtype": ("auto", "float32", "bfloat16"),
    "chat_template": ("tokenizer_default",),
    "remove_unused_columns": (False,),
}
