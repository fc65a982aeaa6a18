"""Articles that hold paragraphs that hold questions (SQuAD, KorQuAD as published) are read question by question."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def holds_questions(row: Any) -> bool:
    """Whether a row holds questions two levels down."""
    return isinstance(row, dict) and next(expanded(row), None) is not None


def expanded(row: Any) -> Iterator[dict[str, Any]]:
    """Each question with its paragraph, in the columns of SQuAD's flat form; none where a row holds none."""
    for part in row.get("paragraphs") or () if isinstance(row, dict) else ():
        for asked in part.get("qas") or () if isinstance(part, dict) else ():
            if isinstance(asked, dict) and "question" in asked:
                yield _question(row, part, asked)


def _question(row: dict[str, Any], part: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    answers = [answer for answer in asked.get("answers") or () if isinstance(answer, dict)]
    return {
        "id": asked.get("id"),
        "title": row.get("title"),
        "context": part.get("context"),
        "question": asked["question"],
        "answers": {"text": [answer.get("text") for answer in answers]},
    }
