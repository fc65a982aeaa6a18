"""A tiny real model with its own tokenizer, and data it can learn from in seconds: `tiny.py FOLDER`."""

import json
import sys
from pathlib import Path

WORDS = ("apple", "bread", "chair", "dream", "earth", "flame", "grape", "house", "island", "jewel", "사과", "하늘")
SAID = "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}"
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>" + SAID + "{% else %}{{ m['content'] }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make(folder: Path) -> None:
    """`model/`, `sft.jsonl`, `dpo.jsonl` and held-out files beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"instruction": f"{verb} {word}", "output": f"{word}!"} for verb in ("say", "tell") for word in WORDS]
    pairs = [{"prompt": f"{r['instruction']}", "chosen": r["output"], "rejected": "no."} for r in rows]
    for name, found in (("sft", rows), ("dpo", pairs)):
        write(folder / f"{name}.jsonl", [row for at, row in enumerate(found) if at % 4])
        write(folder / f"{name}.eval.jsonl", found[::4])
    tokenizer = tokenizer_of([f"{row['instruction']} {row['output']} no." for row in rows])
    tokenizer.save_pretrained(folder / "model")
    model_of(len(tokenizer)).save_pretrained(folder / "model")


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def tokenizer_of(texts: list[str]):  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    made = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>")
    made.chat_template = TEMPLATE
    return made


def model_of(vocabulary: int):  # type: ignore[no-untyped-def]
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    return LlamaForCausalLM(config)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
