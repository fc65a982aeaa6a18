"""The model, its tokenizer, and how it is spoken to."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, PrefixTuningConfig, PromptTuningConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from tuner_tui.export.pieces.settings import (
    ALPHA,
    ATTENTION,
    BEGIN,
    DORA,
    DROPOUT,
    HERE,
    MODEL,
    PRECISION,
    QUANT,
    RANK,
    REVISION,
    RSLORA,
    TARGETS,
    TECHNIQUE,
    TRUST_REMOTE_CODE,
)

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SPARE_PADS = ("<|pad|>", "<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<|endoftext|>", "<unk>", "<s>")


def precision() -> str:
    """bf16, fp16 or fp32; `auto` is bf16 where the GPU has it, else fp32."""
    if PRECISION != "auto":
        return PRECISION
    return "bf16" if DEVICE == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def torch_dtype() -> Any:
    """torch's name of the number format."""
    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision(), torch.float32)


def attention() -> str | None:
    """The kernel; `auto` is FlashAttention where it is installed and the GPU computes it, else the library's choice."""
    if ATTENTION != "auto":
        return "flash_attention_2" if ATTENTION == "flash" else ATTENTION
    if DEVICE == "cpu" or precision() == "fp32" or find_spec("flash_attn") is None:
        return None
    return "flash_attention_2" if torch.cuda.get_device_capability() >= (8, 0) else None


def load_tokenizer() -> Any:
    """The tokenizer, with a pad token that is not the end token (else the end would never be learned)."""
    tokenizer = AutoTokenizer.from_pretrained(MODEL, revision=REVISION, trust_remote_code=TRUST_REMOTE_CODE)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        known = tokenizer.get_vocab()
        spare = [token for token in (*SPARE_PADS, *tokenizer.all_special_tokens) if token in known]
        tokenizer.pad_token = next(token for token in spare if token != tokenizer.eos_token)
    return tokenizer


def earlier() -> Path | None:
    """The folder that an earlier training left: an adapter or a whole model; None for a fresh start."""
    return HERE / Path(BEGIN).expanduser() if BEGIN else None


def base() -> dict[str, Any]:
    """Which weights are loaded, as `from_pretrained` takes it."""
    found = earlier()
    if found is not None and not (found / "adapter_config.json").is_file():
        return {"pretrained_model_name_or_path": str(found)}
    return {
        "pretrained_model_name_or_path": MODEL,
        "revision": REVISION,
        "trust_remote_code": TRUST_REMOTE_CODE,
    }


def load_model() -> Any:
    """The base model: frozen weights in the computation's format, weights that move in fp32, NF4 for QLoRA."""
    options: dict[str, Any] = {"dtype": torch.float32 if TECHNIQUE == "full" else torch_dtype()}
    if attention():
        options["attn_implementation"] = attention()
    if TECHNIQUE == "qlora":
        options["quantization_config"] = quantization()
        options["device_map"] = {"": "cpu" if DEVICE == "cpu" else 0}
    model = AutoModelForCausalLM.from_pretrained(use_safetensors=True, **base(), **options)
    model.config.use_cache = False
    for module in model.modules() if DEVICE == "cpu" else ():
        if getattr(module, "support_avx512bf16_for_cpu", False):
            # The packed layout of bitsandbytes for such CPUs has no gradient towards the input.
            module.support_avx512bf16_for_cpu = False
    return begun(model if TECHNIQUE == "qlora" else model.to(DEVICE))


def begun(model: Any) -> Any:
    """The model with the earlier training's adapter, which goes on (or, where all weights move, is merged)."""
    folder, full = earlier(), TECHNIQUE == "full"
    if folder is None or not (folder / "adapter_config.json").is_file():
        return model
    tuned = PeftModel.from_pretrained(model, str(folder), is_trainable=not full)
    return tuned.merge_and_unload() if full else tuned


def quantization() -> Any:
    """NF4 with double quantization, or int8."""
    if QUANT == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=QUANT != "nf4",
        bnb_4bit_compute_dtype=torch_dtype(),
    )


def adapter() -> Any:
    """The trained part; None when all weights are trained, or an adapter goes on."""
    if TECHNIQUE == "full" or BEGIN is not None:
        return None
    if TECHNIQUE == "prefix":
        return PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=RANK)
    if TECHNIQUE == "prompt":
        return PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=RANK, prompt_tuning_init="SAMPLE_VOCAB")
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=RANK,
        lora_alpha=ALPHA,
        lora_dropout=DROPOUT,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj"] if TARGETS == "attention" else TARGETS,
        use_dora=DORA,
        use_rslora=RSLORA,
    )


def settle_adapter(model: Any) -> None:
    """Keep trained weights in fp32 where the computation is fp32: TRL halves a quantized model's adapter."""
    for weight in model.parameters():
        if precision() == "fp32" and weight.requires_grad and weight.dtype is torch.bfloat16:
            weight.data = weight.data.float()
