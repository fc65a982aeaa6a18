"""Which key of another tool is which key of a recipe: tables, so that both directions can be compared."""

from __future__ import annotations

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
    "use_liger_kernel": "train.liger",
}
LLAMAFACTORY = {
    **HF,
    **MODEL,
    **LORA,
    "lora_rank": "adapter.rank",
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
# What says the same again, or where and how to write and log: nothing of the recipe hangs on it.
PASSED_OVER = frozenset(
    {
        *(
            "output_dir",
            "report_to",
            "data_seed",
            "per_device_eval_batch_size",
            "use_cpu",
            "do_train",
            "logging_nan_inf_filter",
        ),
        *(
            "eval_strategy",
            "save_strategy",
            "dataset_train_split",
            "dataset_test_split",
            "lora_task_type",
            "overwrite_cache",
        ),
        *("overwrite_output_dir", "preprocessing_num_workers", "plot_loss", "val_set_size", "dataset_prepared_path"),
        *("tf32", "shuffle_merged_datasets", "eval_sample_packing", "train_on_inputs", "wandb_project", "run_name"),
        *("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel", "strict", "mask_history"),
    }
)
