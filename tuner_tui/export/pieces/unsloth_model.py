"""The model by Unsloth, which must be imported before transformers, and how it is spoken to."""

from typing import Any

import torch
from unsloth import FastLanguageModel  # type: ignore[import-not-found]

from tuner_tui.export.pieces.settings import (
    ALPHA,
    DORA,
    DROPOUT,
    GRAD_CKPT,
    MAX_LENGTH,
    MODEL,
    PRECISION,
    RANK,
    REVISION,
    RSLORA,
    SEED,
    TARGETS,
    TECHNIQUE,
    TRUST_REMOTE_CODE,
)

DEVICE = "cuda"
QUERIES = ["q_proj", "k_proj", "v_proj", "o_proj"]
LOADED: dict[str, Any] = {}


def precision() -> str:
    """bf16, fp16 or fp32; `auto` is bf16 where the GPU has it, else fp16."""
    if PRECISION != "auto":
        return PRECISION
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def attention() -> str | None:
    """Unsloth chooses its own kernel."""
    return None


def load_tokenizer() -> Any:
    """The tokenizer that belongs to the model; both are loaded together."""
    model, tokenizer = FastLanguageModel.from_pretrained(
        model_name=MODEL,
        revision=REVISION,
        trust_remote_code=TRUST_REMOTE_CODE,
        max_seq_length=MAX_LENGTH,
        dtype={"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision(), torch.float32),
        load_in_4bit=TECHNIQUE == "qlora",
        full_finetuning=TECHNIQUE == "full",
    )
    LOADED["model"] = model
    return tokenizer


def load_model() -> Any:
    """The model with its adapter on it."""
    if TECHNIQUE == "full":
        return LOADED["model"]
    mlp = [] if TARGETS == "attention" else ["gate_proj", "up_proj", "down_proj"]
    return FastLanguageModel.get_peft_model(
        LOADED["model"],
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=DROPOUT,
        target_modules=TARGETS if isinstance(TARGETS, list) else [*QUERIES, *mlp],
        use_dora=DORA,
        use_rslora=RSLORA,
        use_gradient_checkpointing="unsloth" if GRAD_CKPT else False,
        random_state=SEED,
    )


def adapter() -> Any:
    """Nothing to add: the model carries its adapter already."""


def settle_adapter(model: Any) -> None:
    """Unsloth keeps the adapter's number format itself."""
