"""The real model and the real adapter at a few layers: built without weights, then given fake ones in their formats."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from advisor.memory import Spec
from advisor.memory.weights import NF4_BYTES, NF4_DOUBLE_BYTES
from advisor.methods import Technique
from tuner_tui.trace.stand_ins import ATTENTION, PackedProduct, attention


def half_of(spec: Spec) -> torch.dtype:
    """The format that the computation runs in."""
    if spec.precision == "fp32":
        return torch.float32
    return torch.float16 if spec.precision.startswith("fp16") else torch.bfloat16


def skeleton(spec: Spec, config: dict[str, Any], layers: int) -> nn.Module:
    """The model with its adapter at so many layers, without storage; to be called outside the fake mode."""
    with torch.device("meta"):
        model = _base(spec, config, layers)
        if spec.quant:
            _pack(model, spec)
        if not spec.full:
            model = _adapter(model, spec)
    if spec.grad_ckpt:
        _checkpoint(model)
    return model.train()


def _base(spec: Spec, raw: dict[str, Any], layers: int) -> nn.Module:
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    from advisor.memory.activations import masked

    if spec.arch.mixer_layers or spec.arch.dense_layers or spec.arch.own:
        raise ValueError("layers differ in kind, so that few of them say nothing about the rest")
    ALL_ATTENTION_FUNCTIONS.register(ATTENTION, attention(masked(spec)))
    ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, lambda *args, **options: None)
    keys = {key: value for key, value in raw.items() if key not in ("model_type", "layer_types", "quantization_config")}
    name = next(key for key in ("num_hidden_layers", "n_layer", "num_layers", "n_layers") if key in raw)
    config = AutoConfig.for_model(spec.arch.model_type, **{**keys, name: layers})
    config.use_cache = False
    config._attn_implementation = "eager" if spec.attn == "eager" else ATTENTION
    try:
        model: nn.Module = AutoModelForCausalLM.from_config(config, attn_implementation=config._attn_implementation)
    except KeyError:
        raise ValueError(f"{spec.arch.model_type} computes attention in code of its own, which is not traced") from None
    return model


def _pack(model: nn.Module, spec: Spec) -> None:
    """Every linear layer but the head as a packed one, as transformers replaces them."""
    import bitsandbytes as bnb

    half = half_of(spec)
    per_weight = {"nf4": NF4_BYTES, "nf4_double": NF4_DOUBLE_BYTES}.get(spec.quant or "", 1.0)

    class Packed(bnb.nn.Linear4bit):  # type: ignore[misc]
        """Looks like bitsandbytes' layer to PEFT; its weight is bytes."""

        def __init__(self, old: nn.Module) -> None:
            nn.Module.__init__(self)
            self.in_features, self.out_features = _sizes(old)
            self.compute_dtype = half
            size = int(per_weight * self.in_features * self.out_features)
            packed: Any = nn.Parameter(torch.empty(size, dtype=torch.uint8), requires_grad=False)
            packed.compress_statistics, packed.quant_type, packed.quant_state = spec.quant == "nf4_double", "nf4", None
            self.weight, self.bias = packed, old.bias

        def forward(self, x: Any) -> Any:
            inside = x.to(half)
            out = PackedProduct.apply(inside, self.in_features, self.out_features, half)
            return out.to(x.dtype)

    head = model.get_output_embeddings()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            linear = isinstance(child, nn.Linear) and not isinstance(child, Packed)
            if (linear or _is_conv1d(child)) and child is not head:
                setattr(parent, name, Packed(child))
    model.is_loaded_in_4bit = True


def _sizes(layer: Any) -> tuple[int, int]:
    """Features that enter and leave; GPT-2's layer knows neither by name."""
    if _is_conv1d(layer):
        return int(layer.weight.shape[0]), int(layer.weight.shape[1])
    return layer.in_features, layer.out_features


def _adapter(model: nn.Module, spec: Spec) -> nn.Module:
    from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model

    kind = {"task_type": "CAUSAL_LM"}
    if spec.technique is Technique.PROMPT:
        config: Any = PromptTuningConfig(num_virtual_tokens=spec.rank, **kind)
    elif spec.technique is Technique.PREFIX:
        config = PrefixTuningConfig(num_virtual_tokens=spec.rank, **kind)
    else:
        config = LoraConfig(
            r=spec.rank, lora_alpha=spec.rank, lora_dropout=spec.lora_dropout, target_modules=_targets(model, spec),
            use_dora=spec.dora, init_lora_weights=not spec.dora, **kind,
        )  # fmt: skip
    found: nn.Module = get_peft_model(model, config)
    return found


def _targets(model: nn.Module, spec: Spec) -> Any:
    """Names as the model's own code has them."""
    from advisor.memory.weights import is_target

    if spec.targets == "all-linear":
        return "all-linear"
    layers = [name for name, child in model.named_modules() if isinstance(child, nn.Linear) or _is_conv1d(child)]
    chosen = {".".join(name.split(".")[-2:]) for name in layers if is_target(name, spec.targets)}
    if not chosen and spec.targets == "attention":
        chosen = {".".join(name.split(".")[-2:]) for name in layers if "attn" in name or "attention" in name}
    return sorted(chosen)


def _is_conv1d(module: nn.Module) -> bool:
    """GPT-2's linear layer, stored the other way round."""
    return type(module).__name__ == "Conv1D"


def _checkpoint(model: nn.Module) -> None:
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def fill(model: nn.Module, spec: Spec) -> None:
    """Fake tensors in place of the ones without storage; tied weights stay tied."""
    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, old in list(module._parameters.items()):
            if old is not None:
                if id(old) not in made:
                    fresh = torch.empty(old.shape, dtype=_format(old, spec))
                    made[id(old)] = nn.Parameter(fresh, requires_grad=spec.full or old.requires_grad)
                module._parameters[name] = made[id(old)]
        for name, buffer in list(module._buffers.items()):
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype)


def _format(old: nn.Parameter, spec: Spec) -> torch.dtype:
    if old.dtype is torch.uint8:
        return torch.uint8
    if spec.mixed or spec.prepared or spec.precision == "fp32":
        return torch.float32
    if not spec.full and old.requires_grad:
        return torch.float32 if spec.adapter_dtype == "fp32" else half_of(spec)
    return half_of(spec)
