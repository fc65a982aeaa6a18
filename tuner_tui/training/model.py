"""Weights come from safetensors only, and a model's own code runs only when the recipe asks for it by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from advisor.errors import InputError
from advisor.methods import Technique
from advisor.recipe import AdapterSpec, ModelSpec, Precision, Recipe
from tuner_tui.runs.preflight import check_adapter, refuse_code
from tuner_tui.training.speed import attention

SPARE_PADS = ("<|pad|>", "<pad>", "[PAD]", "<|finetune_right_pad_id|>", "<|endoftext|>", "<unk>", "<s>")


def check_model(spec: ModelSpec) -> None:
    """InputError when a local folder lacks what loading needs; hub ids are left to the hub client."""
    refuse_code(spec)
    folder = Path(spec.id).expanduser()
    if not folder.is_dir():
        if folder.exists() or spec.id.startswith((".", "/", "~")):
            raise InputError("training.model_missing", model=spec.id)
        return
    if not (folder / "config.json").is_file():
        raise InputError("training.model_no_config", model=spec.id)
    if not any(folder.glob("*.safetensors")):
        raise InputError("training.model_no_weights", model=spec.id)


def is_local(spec: ModelSpec) -> bool:
    """Whether the model is a folder here, so that no network is needed."""
    return Path(spec.id).expanduser().is_dir()


def load_tokenizer(spec: ModelSpec) -> Any:
    """The tokenizer, with a pad token that is not the end token."""
    from transformers import AutoTokenizer

    tokenizer = from_hub(AutoTokenizer, spec)
    if tokenizer.eos_token_id is None:
        raise InputError("training.no_end_token", model=spec.id)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id == tokenizer.eos_token_id:
        tokenizer.pad_token = spare_pad(tokenizer)
    return tokenizer


def spare_pad(tokenizer: Any) -> str:
    """A token of the vocabulary to pad with that does not end answers; else a special one that is not the end."""
    known = tokenizer.get_vocab()
    others = [token for token in tokenizer.all_special_tokens if token != tokenizer.eos_token]
    for token in (*SPARE_PADS, *others):
        if token in known and token != tokenizer.eos_token:
            return str(token)
    raise InputError("training.no_pad_token", model=tokenizer.name_or_path)


def load_model(recipe: Recipe, device: str) -> Any:
    """The base model on its device: quantized for QLoRA, in the number format of `number_format`."""
    import torch
    from transformers import AutoModelForCausalLM

    technique = recipe.parsed_label.technique
    options: dict[str, Any] = {"dtype": weight_format(recipe, device), "use_safetensors": True}
    precision = number_format(recipe.train.precision, device)
    if kernel := attention(recipe.train, precision, device):
        options["attn_implementation"] = kernel
    if technique is Technique.QLORA:
        options["quantization_config"] = quantization(recipe, device)
        options["device_map"] = {"": device if device == "cpu" else torch.cuda.current_device()}
    model = from_hub(AutoModelForCausalLM, recipe.model, **options)
    model.config.use_cache = False
    keep_gradients(model)
    return model if technique is Technique.QLORA else model.to(device)


def keep_gradients(model: Any) -> None:
    """Keep bitsandbytes from repacking 4-bit weights for the CPU at the first evaluation.

    Its packed layout (0.49 and later, CPUs with AVX512-BF16) stays for good and has no gradient towards the input:
    training that follows an evaluation would silently move only part of what it should.
    """
    for module in model.modules():
        if getattr(module, "support_avx512bf16_for_cpu", False):
            module.support_avx512bf16_for_cpu = False


def begin(recipe: Recipe, device: str) -> tuple[Any, Any]:
    """The model to train and PEFT's configuration of what to add; None for full and for an adapter that goes on."""
    technique = recipe.parsed_label.technique or Technique.FULL
    base = load_model(recipe, device)
    if recipe.model.adapter is None:
        return base, adapter(technique, recipe.adapter)
    from peft import PeftModel

    folder = Path(recipe.model.adapter).expanduser()
    if not (folder / "adapter_config.json").is_file():
        raise InputError("training.adapter_missing", path=folder)
    check_adapter(folder)
    tuned = PeftModel.from_pretrained(base, str(folder), is_trainable=technique is not Technique.FULL)
    if technique is Technique.FULL:
        return tuned.merge_and_unload(), None
    _same_kind(tuned, technique, folder)
    return tuned, None


def _same_kind(tuned: Any, technique: Technique, folder: Path) -> None:
    """An adapter goes on as what it is: LoRA and QLoRA differ in the base alone."""
    found = str(tuned.peft_config["default"].peft_type.value)
    wanted = {Technique.PREFIX: "PREFIX_TUNING", Technique.PROMPT: "PROMPT_TUNING"}.get(technique, "LORA")
    if found != wanted:
        raise InputError("training.adapter_kind", path=folder, found=found, technique=technique)


def from_hub(kind: Any, spec: ModelSpec, **options: Any) -> Any:
    """`kind.from_pretrained` with the recipe's choices; InputError when it cannot be loaded."""
    try:
        return kind.from_pretrained(
            str(Path(spec.id).expanduser()) if is_local(spec) else spec.id,
            revision=spec.revision,
            trust_remote_code=spec.runs_code,
            **options,
        )
    except (OSError, ValueError, KeyError) as error:
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError("training.model_unloadable", model=spec.id, detail=detail[:300]) from error


def number_format(precision: Precision, device: str) -> Precision:
    """What the computation runs in: `auto` is bf16 where the GPU has it, else fp32."""
    import torch

    if precision is not Precision.AUTO:
        return precision
    return Precision.BF16 if device == "cuda" and torch.cuda.is_bf16_supported() else Precision.FP32


def torch_dtype(precision: Precision) -> Any:
    """torch's name of a number format."""
    import torch

    return {Precision.BF16: torch.bfloat16, Precision.FP16: torch.float16}.get(precision, torch.float32)


def weight_format(recipe: Recipe, device: str) -> Any:
    """Frozen weights are held in the computation's format; weights that move are held in fp32 (autocast computes)."""
    import torch

    moves = recipe.parsed_label.technique is Technique.FULL
    return torch.float32 if moves else torch_dtype(number_format(recipe.train.precision, device))


def quantization(recipe: Recipe, device: str) -> Any:
    """NF4 with double quantization (QLoRA, Dettmers et al. 2023), or int8 when the recipe says so."""
    from transformers import BitsAndBytesConfig

    if recipe.adapter.quant == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    if recipe.adapter.quant not in (None, "nf4", "nf4_double"):
        raise InputError("training.quant", value=recipe.adapter.quant, allowed="nf4_double, nf4, int8")
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=recipe.adapter.quant != "nf4",
        bnb_4bit_compute_dtype=torch_dtype(number_format(recipe.train.precision, device)),
    )


def adapter(technique: Technique, spec: AdapterSpec) -> Any:
    """PEFT's configuration of the trained part; None for full tuning."""
    from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig

    if technique is Technique.FULL:
        return None
    if technique is Technique.PREFIX:
        return PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=spec.rank)
    if technique is Technique.PROMPT:
        # Words of the vocabulary, not PEFT's random vectors: those are many times as large as any word, and stay so.
        return PromptTuningConfig(
            task_type="CAUSAL_LM", num_virtual_tokens=spec.rank, prompt_tuning_init="SAMPLE_VOCAB"
        )
    attention = ["q_proj", "k_proj", "v_proj", "o_proj"]
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=attention if spec.targets == "attention" else spec.targets,
        use_dora=spec.dora,
        use_rslora=spec.rslora,
    )


def settle_adapter(precision: Precision, model: Any) -> None:
    """Keep trained weights in fp32 where the computation is fp32: TRL halves a quantized model's adapter to bf16."""
    import torch

    if precision is not Precision.FP32:
        return
    for weight in model.parameters():
        if weight.requires_grad and weight.dtype is torch.bfloat16:
            weight.data = weight.data.float()


def parameters(model: Any) -> tuple[int, int]:
    """All parameters and the trainable ones; a 4-bit weight counts once per number it holds."""
    total = trainable = 0
    for weight in model.parameters():
        count = weight.numel()
        if hasattr(weight, "quant_state") and weight.quant_state is not None:
            count = weight.quant_state.shape.numel()
        total += count
        trainable += count if weight.requires_grad else 0
    return total, trainable
