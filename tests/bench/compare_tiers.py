"""Arithmetic against traces over a seeded grid of set-ups: prints the differences, and asserts nothing.

    python tests/bench/compare_tiers.py [COUNT] [SEED] [WHAT]

Shapes are of the catalogue's families at their real widths; WHAT limits the grid to one family or technique.
"""

from __future__ import annotations

import random
import statistics
import sys
import warnings
from typing import Any

import msgspec

LLAMA = {"model_type": "llama", "hidden_size": 2048, "num_attention_heads": 32, "num_key_value_heads": 8,
         "head_dim": 64, "intermediate_size": 8192, "vocab_size": 128256, "tie_word_embeddings": True}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {
    "llama-1b": LLAMA,
    "llama-8b": {**LLAMA, "hidden_size": 4096, "head_dim": 128, "intermediate_size": 14336,
                 "tie_word_embeddings": False},
    "llama2-7b": {**LLAMA, "hidden_size": 4096, "num_key_value_heads": 32, "head_dim": 128, "intermediate_size": 11008,
                  "vocab_size": 32000, "tie_word_embeddings": False},
    "mistral-7b": {**LLAMA, "model_type": "mistral", "hidden_size": 4096, "head_dim": 128, "intermediate_size": 14336,
                   "vocab_size": 32768, "tie_word_embeddings": False},
    "qwen2-1.5b": {"model_type": "qwen2", "hidden_size": 1536, "num_attention_heads": 12, "num_key_value_heads": 2,
                   "intermediate_size": 8960, "vocab_size": 151936, "tie_word_embeddings": True},
    "qwen3-4b": {"model_type": "qwen3", "hidden_size": 2560, "num_attention_heads": 32, "num_key_value_heads": 8,
                 "head_dim": 128, "intermediate_size": 9728, "vocab_size": 151936, "tie_word_embeddings": True},
    "gemma-2b": {"model_type": "gemma", "hidden_size": 2048, "num_attention_heads": 8, "num_key_value_heads": 1,
                 "head_dim": 256, "intermediate_size": 16384, "vocab_size": 256000},
    "gemma2-2b": {"model_type": "gemma2", "hidden_size": 2304, "num_attention_heads": 8, "num_key_value_heads": 4,
                  "head_dim": 256, "intermediate_size": 9216, "vocab_size": 256000, "sliding_window": 4096},
    "gemma3-1b": {"model_type": "gemma3_text", "hidden_size": 1152, "num_attention_heads": 4, "num_key_value_heads": 1,
                  "head_dim": 256, "intermediate_size": 6912, "vocab_size": 262144, "sliding_window": 512},
    "phi3-mini": {"model_type": "phi3", "hidden_size": 3072, "num_attention_heads": 32, "num_key_value_heads": 32,
                  "intermediate_size": 8192, "vocab_size": 32064, "tie_word_embeddings": False, "pad_token_id": 0},
    "phi2": {"model_type": "phi", "hidden_size": 2560, "num_attention_heads": 32, "num_key_value_heads": 32,
             "intermediate_size": 10240, "vocab_size": 51200, "tie_word_embeddings": False},
    "gpt2-xl": {"model_type": "gpt2", "n_embd": 1600, "n_head": 25, "vocab_size": 50257, "n_positions": 4096},
    "olmo2-1b": {"model_type": "olmo2", "hidden_size": 2048, "num_attention_heads": 16, "num_key_value_heads": 16,
                 "intermediate_size": 8192, "vocab_size": 100352, "tie_word_embeddings": False},
    "pythia-1.4b": {"model_type": "gpt_neox", "hidden_size": 2048, "num_attention_heads": 16, "intermediate_size": 8192,
                    "vocab_size": 50304, "tie_word_embeddings": False},
    "opt-1.3b": {"model_type": "opt", "hidden_size": 2048, "num_attention_heads": 32, "ffn_dim": 8192,
                 "vocab_size": 50272, "max_position_embeddings": 4096, "word_embed_proj_dim": 2048},
}  # fmt: skip
METHODS: tuple[dict[str, Any], ...] = (
    {"technique": "full"},
    {"technique": "full", "precision": "bf16"},
    {"technique": "full", "precision": "fp32"},
    {"technique": "lora"},
    {"technique": "lora", "adapter_dtype": "fp32"},
    {"technique": "lora", "adapter_dtype": "bf16"},
    {"technique": "lora", "adapter_dtype": "fp32", "targets": "attention"},
    {"technique": "lora", "adapter_dtype": "fp32", "dora": True},
    {"technique": "lora", "lora_dropout": 0.05},
    {"technique": "lora", "precision": "fp32"},
    {"technique": "qlora"},
    {"technique": "qlora", "quant": "nf4", "adapter_dtype": "fp32"},
    {"technique": "prompt", "rank": 20},
    {"technique": "prefix", "rank": 20},
)


def cases(count: int, seed: int, what: str) -> list[tuple[str, dict[str, Any]]]:
    """Set-ups drawn from a seed."""
    draw = random.Random(seed)
    found: list[tuple[str, dict[str, Any]]] = []
    while len(found) < count:
        name, method = draw.choice(sorted(SHAPES)), draw.choice(METHODS)
        raw: dict[str, Any] = {
            **method,
            "seq_len": draw.choice((256, 512, 1024, 2048)),
            "micro_batch": draw.choice((1, 2, 4, 8)),
            "grad_accum": draw.choice((1, 4)),
            "grad_ckpt": draw.random() < 0.5,
            "attn": draw.choice(("flash", "sdpa")),
            "loss": draw.choice(("full_logits", "chunked", "chunked", "liger")),
            "objective": draw.choice(("sft", "sft", "sft", "dpo", "orpo")),
            "optimizer": draw.choice(("adamw_torch_fused", "adamw_torch", "adamw_8bit")),
        }
        if what in (name, method["technique"], ""):
            found.append((name, raw))
    return found


def compare(name: str, raw: dict[str, Any]) -> tuple[float, float, str, str] | str:
    """GiB by arithmetic and by trace at the real depth of 24 layers, with the moment that decides in each."""
    from advisor.memory import GIB, spec_from
    from advisor.memory.peak import moments
    from advisor.memory.weights import held
    from tuner_tui.trace.step import trace
    from tuner_tui.traced import DEPTHS, PHASES, extrapolated

    key = "n_layer" if "n_embd" in SHAPES[name] else "num_hidden_layers"
    config = {**SHAPES[name], key: 24}
    spec = spec_from({**raw, "model": {"config": config}}, name)
    spec = msgspec.structs.replace(spec, inputs_kept=False, fused_qkv=False)
    try:
        layers = {depth: trace(spec, config, depth) for depth in DEPTHS}
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    whole = {name: size + held(spec).reference for name, size in extrapolated(layers, 24).items()}
    phase = max(PHASES, key=lambda one: whole[one])
    ours = moments(spec)
    moment = max(ours, key=lambda one: ours[one].total)
    return ours[moment].total / GIB, whole[phase] / GIB, moment, phase


def main(count: int, seed: int, what: str) -> None:
    """Print one line a set-up and the summary."""
    warnings.simplefilter("ignore")
    errors: list[float] = []
    for name, raw in cases(count, seed, what):
        done = compare(name, raw)
        if isinstance(done, str):
            print(f"   --    {name:<11} {raw}  {done}", flush=True)
            continue
        ours, traced, moment, phase = done
        errors.append(100 * (ours / traced - 1))
        print(
            f"{errors[-1]:+6.1f}%  {ours:7.2f} for {traced:7.2f}  {moment:<9} {phase:<8} {name:<11} {raw}", flush=True
        )
    size = sorted(abs(error) for error in errors)
    print(
        f"{len(errors)} compared: mean {statistics.mean(size):.2f}%  median {statistics.median(size):.2f}%  "
        f"p90 {size[int(0.9 * len(size)) - 1]:.2f}%  worst {size[-1]:.2f}%  bias {statistics.mean(errors):+.2f}%"
    )


if __name__ == "__main__":
    asked = sys.argv[1:]
    main(int(asked[0]) if asked else 200, int(asked[1]) if len(asked) > 1 else 1, asked[2] if len(asked) > 2 else "")
