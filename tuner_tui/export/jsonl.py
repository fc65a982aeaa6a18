"""Data leaves in the form that the target names, row by row the rows that our own training uses, in its order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def lines(rows: Iterable[dict[str, Any]]) -> str:
    """JSON lines, Unicode kept."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def turns(example: Any, answer: str) -> list[dict[str, str]]:
    """The whole conversation, the answer last; a plain prompt is one user turn."""
    return [*asked(example), {"role": "assistant", "content": answer}]


def asked(example: Any) -> list[dict[str, str]]:
    """The prompt as turns."""
    if isinstance(example.prompt, str):
        return [{"role": "user", "content": example.prompt}]
    return list(example.prompt)


def trl_row(example: Any) -> dict[str, Any]:
    """TRL's prompt-completion or preference form, conversational where the prompt is a conversation."""
    plain = isinstance(example.prompt, str)
    prompt = example.prompt if plain else list(example.prompt)

    def answer(text: str) -> Any:
        return text if plain else [{"role": "assistant", "content": text}]

    if example.liked is not None:
        return {"prompt": prompt, "completion": answer(example.completion), "label": example.liked}
    if not prompt:
        return {"text": example.completion}
    if example.rejected is None:
        return {"prompt": prompt, "completion": answer(example.completion)}
    return {"prompt": prompt, "chosen": answer(example.completion), "rejected": answer(example.rejected)}
