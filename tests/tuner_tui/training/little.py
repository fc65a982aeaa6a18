"""A little real model with its own tokenizer, data of every kind that it can learn in seconds, and its real runs."""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.tuner_tui.small_model import MARKS, save

WORDS = ("apple", "bread", "chair", "dream", "earth", "flame", "grape", "house", "사과", "하늘", "바다", "노래")
VERBS = ("say", "tell", "give", "show")


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def make(folder: Path) -> None:
    """`model/` and `KIND.jsonl` with `KIND.eval.jsonl` for every kind of data."""
    folder.mkdir(parents=True, exist_ok=True)
    asked = [(f"{verb} {word}", f"{word}!") for word in WORDS for verb in VERBS]
    kinds: dict[str, list[dict[str, Any]]] = {
        "pairs": [{"instruction": q, "output": a} for q, a in asked],
        "preference": [{"prompt": q, "chosen": a, "rejected": a.replace("!", ".")} for q, a in asked],
        "feedback": [
            {"prompt": q, "completion": a if at % 3 else a.replace("!", "."), "label": at % 3 > 0}
            for at, (q, a) in enumerate(asked)
        ],
        "text": [{"text": f"{q} {a} " * 4} for q, a in asked],
        "checkable": [{"prompt": q, "answer": a} for q, a in asked],
        "unlabeled": [{"prompt": q} for q, _ in asked],
        "other": [{"question": f"{q}?", "answer": "no."} for q, _ in asked],
    }
    for kind, rows in kinds.items():
        write(folder / f"{kind}.jsonl", [row for at, row in enumerate(rows) if at % 4])
        write(folder / f"{kind}.eval.jsonl", rows[::4])
    make_model(folder / "model", [f"{q} {a} no." for q, a in asked])


def make_model(folder: Path, texts: list[str]) -> None:
    """The tests' small model with up to 400 tokens learned from `texts`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokens = Tokenizer(models.BPE())
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=400, special_tokens=MARKS, initial_alphabet=alphabet, show_progress=False)
    )
    save(folder, tokens, tied=True)


def recipe(world: Path, label: str, kind: str, metric: str, **changes: Any) -> dict[str, Any]:
    """A small recipe; `changes` are recipe keys by `section__key`."""
    found: dict[str, Any] = {
        "version": 1,
        "name": "little",
        "label": label,
        "model": {"id": str(world / "model")},
        "data": {"train": str(world / f"{kind}.jsonl"), "eval": str(world / f"{kind}.eval.jsonl")},
        "adapter": {"rank": 8, "alpha": 16},
        "train": {"max_steps": 12, "learning_rate": 0.01, "micro_batch": 8, "max_length": 48, "threads": 1},
        "evaluation": {"metric": metric, "max_items": 12, "max_new_tokens": 8, "samples": 2},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            found.setdefault(section, {})[name] = value
        else:
            found[section] = value
    return found


def start(folder: Path, made: dict[str, Any], *options: str) -> int:
    """The real child's own main in this process: its libraries are imported once for all tests."""
    from tuner_tui.training.__main__ import main

    folder.mkdir(parents=True, exist_ok=True)
    if not options:
        (folder / "recipe.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")
    return main([str(folder), *options])


def events(run: Path, kind: str) -> list[dict[str, Any]]:
    """The run's events of one kind, in order."""
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["t"] == kind]


def report(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "report.json").read_text(encoding="utf-8"))
    return found
