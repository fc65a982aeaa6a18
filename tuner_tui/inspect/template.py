"""Too little data is said in numbers, and what is missing gets a file to fill in the form that training reads."""

from __future__ import annotations

from typing import Any

import msgspec

ENOUGH = {
    "instruction_pairs": 100,
    "preference_pairs": 500,
    "binary_feedback": 500,
    "verifiable_rewards": 300,
    "documents": 1000,
    "unlabeled_inputs": 300,
}
"""Rows of each kind from which tuning is worth trying. Instruction pairs: OpenAI's fine-tuning guide (50 to 100
examples show a change); the others are floors that we chose well below published recipes, and the words say so."""


def missing(kind: str, usable: int) -> int:
    """How many rows of a kind are missing to what is worth trying."""
    return max(ENOUGH[kind] - usable, 0)


def template(kind: str, rows: int, lang: str) -> bytes:
    """`rows` empty rows of a kind as JSON lines, each with a hint where a person writes."""
    ask, good, poor, text = (
        ("질문을 쓰세요", "원하는 답을 쓰세요", "덜 좋은 답을 쓰세요", "글을 쓰세요")
        if lang == "ko"
        else ("write the question", "write the answer you want", "write a worse answer", "write the text")
    )
    asked = [{"role": "user", "content": f"<{ask}>"}]
    said = [{"role": "assistant", "content": f"<{good}>"}]
    forms: dict[str, dict[str, Any]] = {
        "instruction_pairs": {"messages": asked + said},
        "preference_pairs": {
            "prompt": asked,
            "chosen": said,
            "rejected": [{"role": "assistant", "content": f"<{poor}>"}],
        },
        "binary_feedback": {"prompt": asked, "completion": said, "label": True},
        "verifiable_rewards": {"question": f"<{ask}>", "answer": f"<{good}>\n#### 42"},
        "documents": {"text": f"<{text}>"},
        "unlabeled_inputs": {"prompt": asked},
    }
    return (msgspec.json.encode(forms[kind]) + b"\n") * rows
