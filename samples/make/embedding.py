"""Trains the practice embedding model in seconds: `python samples/make/embedding.py --out samples/embedding`.

Questions and documents are invented anew at every step (as for the practice model): a question must find the document
about its subject among the batch's others of the same kind. Real facts of the practice world are never shown.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from pathlib import Path
from random import Random
from typing import Any

import grammar
import lessons
import torch
import words
from torch.nn import functional
from transformers import AutoTokenizer, BertConfig, BertModel

WIDTH, LAYERS, HEADS, LONGEST = 128, 1, 4, 256
BATCH, PEAK, WARM_UP, SHARPNESS = 32, 3e-3, 20, 20.0
FACTS = 5


def build(tokenizer: Any) -> BertModel:
    """A small encoder with random weights."""
    config = BertConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=LONGEST,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=tokenizer.pad_token_id,
    )
    return BertModel(config, add_pooling_layer=False)


class Pairs:
    """A seeded stream of (question, document) pairs; the documents of a batch share language and kind."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.names = lessons.Lessons(seed).names

    def batch(self, count: int) -> tuple[list[str], list[str]]:
        """`count` questions, and for each the document that answers it."""
        language = self.random.choice(words.LANGUAGES)
        kind = self.random.choice(list(grammar.KINDS.values()))
        asked, told = [], []
        for name in self.random.sample(self.names[language], count):
            attributes = self.random.sample(kind, min(FACTS, len(kind)))
            facts = [(name, each, each.value(language, self.random)) for each in attributes]
            told.append(grammar.document(language, facts))
            asked.append(self.random.choice(grammar.questions(language, name, self.random.choice(attributes))))
        return asked, told


def vectors(model: Any, tokenizer: Any, texts: list[str]) -> Any:
    """(texts, width): the mean of the tokens' states, of length 1."""
    batch = tokenizer(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    seen = batch["attention_mask"].unsqueeze(-1)
    states = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    return functional.normalize((states * seen).sum(1) / seen.sum(1), dim=1)


def teach(model: Any, tokenizer: Any, steps: int, seed: int) -> list[dict[str, float]]:
    """Contrastive steps (InfoNCE over the batch, both ways); the log of every 50th."""
    pairs, log, began = Pairs(seed), [], time.monotonic()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK, weight_decay=0.01)
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = PEAK * min(step / WARM_UP, max((steps - step) / steps, 0.02))
        asked, told = pairs.batch(BATCH)
        found = vectors(model, tokenizer, asked + told)
        likeness = SHARPNESS * found[:BATCH] @ found[BATCH:].T
        right = torch.arange(BATCH)
        loss = (functional.cross_entropy(likeness, right) + functional.cross_entropy(likeness.T, right)) / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0 or step == steps:
            first = float((likeness.argmax(1) == right).float().mean())
            entry = {"step": step, "loss": round(float(loss.detach()), 4), "first": round(first, 3)}
            log.append(entry | {"seconds": round(time.monotonic() - began)})
            print(json.dumps(log[-1]), flush=True)
    return log


def save(model: Any, tokenizer: Any, log: list[dict[str, float]], folder: Path) -> None:
    """In sentence-transformers' layout: transformer, mean pooling, length 1; weights stored in bf16."""
    copy.deepcopy(model).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.model_max_length = LONGEST
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(kinds)
    ]
    (folder / "1_Pooling").mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    files = {
        "modules.json": modules,
        "1_Pooling/config.json": pooling,
        "sentence_bert_config.json": {"max_seq_length": LONGEST, "do_lower_case": False},
        "training.json": log,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Trains and saves model, tokenizer and the log of the training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, default=Path(__file__).resolve().parent.parent / "model")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.tokenizer)
    model = build(tokenizer)
    print(f"{model.num_parameters() / 1e6:.2f} M parameters", flush=True)
    log = teach(model, tokenizer, options.steps, options.seed)
    save(model, tokenizer, log, options.out)


if __name__ == "__main__":
    main()
