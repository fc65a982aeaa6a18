"""Configs nobody has prepared for: a right count, or a refusal by the key; never a crash or an absurd number."""

import json
from typing import Any

import pytest

from advisor.architecture import from_config
from advisor.errors import InputError
from advisor.families import ENCODER_DECODERS, ENCODERS, FAMILIES, OTHER_LAYERS
from advisor.linears import linears, parameter_count
from advisor.memory import estimate, spec_from

SMALL = {
    "vocab_size": 1000,
    "hidden_size": 64,
    "num_hidden_layers": 8,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 160,
}
LLAMA = {**SMALL, "model_type": "llama"}


def refused(config: dict[str, Any]) -> InputError:
    """The refusal of a config."""
    with pytest.raises(InputError) as error:
        from_config(config, "config.json")
    return error.value


@pytest.mark.parametrize(
    ("types", "code"),
    [
        (ENCODER_DECODERS, "architecture.encoder_decoder"),
        (ENCODERS, "architecture.encoder"),
        (OTHER_LAYERS, "architecture.layers"),
    ],
)
def test_models_of_another_build_are_refused_by_name_with_a_remedy(types: frozenset[str], code: str) -> None:
    for name in types:
        found = refused({**SMALL, "model_type": name})
        assert found.code == code
        for lang in ("en", "ko"):
            assert name in found.text(lang)
            assert "config.json" in found.text(lang)
    assert not types & set(FAMILIES)


@pytest.mark.parametrize("key", ["mamba_d_state", "layers_block_type", "conv_L_cache", "hidden_size_per_layer_input"])
def test_an_unknown_family_with_layers_of_another_kind_is_refused_by_the_key(key: str) -> None:
    value: Any = ["mamba"] if key == "layers_block_type" else 16
    assert key in refused({**SMALL, "model_type": "brand_new", key: value}).text("en")


@pytest.mark.parametrize(
    "key",
    ["hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size",
     "vocab_size", "num_experts", "moe_intermediate_size", "kv_lora_rank", "max_position_embeddings"],
)  # fmt: skip
def test_a_number_that_no_model_has_is_refused_by_its_key(key: str) -> None:
    found = refused({**LLAMA, key: 10**12})
    assert found.code == "architecture.range"
    assert key in found.text("en")
    assert refused({**LLAMA, key: [1, 10**12]}).code == "architecture.range"


@pytest.mark.parametrize("wrong", [None, "4096", 0, -1, 2.5, True, [], {}])
@pytest.mark.parametrize("key", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size"])
def test_a_key_that_is_needed_and_is_no_whole_number_is_named(key: str, wrong: Any) -> None:
    found = refused({**LLAMA, key: wrong})
    assert found.code == "architecture.missing"
    assert key in found.text("en")


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_known_family_answers_at_odd_legal_shapes(name: str) -> None:
    shapes: list[dict[str, Any]] = [
        {},
        {"num_key_value_heads": 1},
        {"num_attention_heads": 6, "head_dim": 24, "num_key_value_heads": 3},
        {"num_hidden_layers": 1, "hidden_size": 96},
        {
            "tie_word_embeddings": True,
            "sliding_window": 128,
            "layer_types": ["sliding_attention", "full_attention"] * 4,
        },
        {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 48},
        dict.fromkeys(("head_dim", "num_key_value_heads", "sliding_window", "layer_types", "rope_scaling")),
    ]
    for shape in shapes:
        whole = {
            **SMALL,
            "hybrid_override_pattern": "M-*-",
            "vocab_size_per_layer_input": 900,
            **shape,
            "model_type": name,
        }
        arch = from_config(whole, name)
        assert 64_000 < parameter_count(arch) < 20_000_000
        for technique in ("full", "lora", "qlora"):
            found = estimate(spec_from({"model": {"config": whole}, "technique": technique}, name))
            assert 0.3 < found.peak_gb.low <= found.peak_gb.high < 20


def test_hybrids_say_that_a_part_is_rough_and_give_a_wider_range() -> None:
    hybrid = {**SMALL, "model_type": "qwen3_next", "hidden_size": 2048, "num_hidden_layers": 24, "vocab_size": 150000}
    plain = {**hybrid, "model_type": "qwen3"}
    found, usual = (
        estimate(spec_from({"model": {"config": one}, "seq_len": 4096}, "test")) for one in (hybrid, plain)
    )  # fmt: skip
    assert found.allocated_gb.high / found.allocated_gb.low > usual.allocated_gb.high / usual.allocated_gb.low
    assert any("18 of qwen3_next" in text for text in found.assumptions)


def test_a_hybrids_layers_of_both_kinds_carry_adapters() -> None:
    arch = from_config({**SMALL, "model_type": "qwen3_next"}, "test")
    layers = {one.name: one.layers for one in linears(arch)}
    assert (layers["q_proj"], layers["mixer.out_proj"]) == (2, 6)


def test_a_language_model_inside_a_vision_model_is_read_and_the_tower_is_named() -> None:
    whole = {"model_type": "llava", "text_config": LLAMA, "vision_config": {"hidden_size": 32}}
    assert parameter_count(from_config(whole, "t")) == parameter_count(from_config(LLAMA, "t"))
    assert any("vision_config" in text for text in estimate(spec_from({"model": {"config": whole}}, "t")).assumptions)


def test_a_vision_tower_is_held_with_the_language_model_but_does_not_move() -> None:
    """Gemma 3 4B's tower (SigLIP, 27 layers): 0.41 billion weights beside 3.88 billion of the language model."""
    text = {"model_type": "gemma3_text", "hidden_size": 2560, "num_hidden_layers": 34, "num_attention_heads": 8,
            "num_key_value_heads": 4, "head_dim": 256, "intermediate_size": 10240, "vocab_size": 262208}  # fmt: skip
    vision = {
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "model_type": "siglip_vision_model",
    }
    both = {"model_type": "gemma3", "text_config": text, "vision_config": vision}
    alone, held = (
        estimate(spec_from({"model": {"config": one}, "technique": "full", "precision": "bf16"}, "t")).parts
        for one in (text, both)
    )
    assert held["weights"] - alone["weights"] == pytest.approx(2 * 0.411e9 / 2**30, rel=0.01)
    assert held["optimizer"] == alone["optimizer"]


def counted(config: Any) -> int:
    """Parameters of the real code, built without storage."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    return sum(weight.numel() for weight in model.parameters())


def shrunk(config: Any) -> Any:
    """The config at a small size, what it has of the keys."""
    text = config.get_text_config()
    for key, value in {**SMALL, "head_dim": 16, "word_embed_proj_dim": 32}.items():
        if isinstance(getattr(text, key, None), int):
            setattr(text, key, value)
    return config


@pytest.mark.slow
def test_counts_are_those_of_transformers_for_every_causal_model_that_it_can_build() -> None:
    """Known families exactly, at a small size; others at their default size, nearly, or refused by name."""
    import warnings

    from transformers import AutoConfig
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    warnings.simplefilter("ignore")
    known: dict[str, float] = {}
    others: dict[str, float] = {}
    for name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        if name in OTHER_LAYERS | ENCODERS | ENCODER_DECODERS:
            continue
        try:
            config = AutoConfig.for_model(name)
            real = counted(shrunk(config) if name in FAMILIES else config)
        except Exception:  # a class whose own defaults do not build
            continue
        if getattr(config, "vision_config", None) is not None:
            continue
        try:
            ours = parameter_count(from_config(json.loads(config.to_json_string(use_diff=False)), name))
        except InputError:
            continue
        (known if name in FAMILIES else others)[name] = abs(ours / real - 1)
    assert len(known) >= 60
    assert {name: error for name, error in known.items() if error > 1e-3} == {}
    near = sorted(others.values())
    assert len(near) >= 20
    assert near[int(0.9 * len(near))] < 0.06
