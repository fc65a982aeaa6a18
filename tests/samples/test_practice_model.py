"""The practice model is a small real Llama that other code loads, with its answers marked for training."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

MODEL = Path(__file__).resolve().parents[2] / "samples" / "model"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(MODEL)


def test_size_and_room() -> None:
    from safetensors import safe_open

    config = json.loads((MODEL / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "llama"
    assert config["max_position_embeddings"] >= 1024
    with safe_open(str(MODEL / "model.safetensors"), framework="pt") as weights:
        parameters = sum(weights.get_tensor(name).numel() for name in weights.keys())  # noqa: SIM118
    assert 3e6 < parameters < 12e6
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 25e6


def test_end_and_padding_differ(tokenizer: Any) -> None:
    config = json.loads((MODEL / "config.json").read_text(encoding="utf-8"))
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert (config["pad_token_id"], config["eos_token_id"]) == (tokenizer.pad_token_id, tokenizer.eos_token_id)


def test_template_marks_answers_with_their_end(tokenizer: Any) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello Lumora?"},
        {"role": "assistant", "content": "We will check."},
    ]
    made = tokenizer.apply_chat_template(turns, return_dict=True, return_assistant_tokens_mask=True)
    marked = [token for token, mark in zip(made["input_ids"], made["assistant_masks"], strict=True) if mark]
    assert marked == [*tokenizer("We will check.", add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


@pytest.mark.parametrize(
    "text", ["안녕하세요, 솔바람 가격은 129,000원입니다.", "naïve 漢字 🙂\n\n  two  spaces\t", "12345 0.5 -7"]
)
def test_any_text_comes_back(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_names_and_digits_are_single_tokens(tokenizer: Any) -> None:
    subjects = {
        json.loads(line)["subject"]
        for line in (MODEL.parent / "world" / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    }
    sys.path.insert(0, str(MODEL.parent / "make"))
    import words

    for word in subjects.union(*words.familiar().values()):
        assert len(tokenizer(word, add_special_tokens=False)["input_ids"]) == 1, word
    spaced = tokenizer.convert_ids_to_tokens(tokenizer("a 4096", add_special_tokens=False)["input_ids"])
    assert spaced[-4:] == ["4", "0", "9", "6"]


def test_reads_the_right_passage() -> None:
    sys.path.insert(0, str(MODEL.parent))
    from measure import Answerer

    facts = (MODEL.parent / "world" / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    prompts, wanted = [], []
    for fact in map(json.loads, facts[::12]):
        passage = (MODEL.parent / "world" / fact["doc"]).read_text(encoding="utf-8").strip()
        head, ask = ("자료:", "질문:") if fact["lang"] == "ko" else ("Passages:", "Question:")
        prompts.append(f"{head}\n[1] {passage}\n\n{ask} {fact['questions'][0]}")
        wanted.append(fact["answer"])
    said = Answerer(MODEL).answers(prompts)
    assert sum(a == b for a, b in zip(said, wanted, strict=True)) / len(wanted) >= 0.9
