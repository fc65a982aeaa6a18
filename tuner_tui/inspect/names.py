"""Names that columns go by in real data sets, in English and Korean; spelling apart, a name means one thing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

PROMPTS = (
    *("prompt", "instruction", "question", "query", "input", "user", "problem", "human", "request", "q", "history"),
    *(
        "goal",
        "post",
        "context",
        "source",
        "질문",
        "지시",
        "지시문",
        "명령",
        "명령어",
        "입력",
        "문제",
        "프롬프트",
        "요청",
    ),
    "원문",
)
ANSWERS = (
    *("completion", "output", "response", "answer", "reply", "target", "assistant", "solution", "bot", "summary"),
    *("highlights", "translation", "best_answer", "canonical_solution", "code", "answers", "a", "답변", "응답", "출력"),
    *("대답", "정답", "답", "결과", "번역", "번역문", "요약", "요약문"),
)
CHOSEN = (
    *("chosen", "preferred", "accepted", "better", "chosen_response", "response_chosen", "answer_chosen", "win"),
    *("preferred_answer", "선호", "선택", "선호 답변", "선택 답변", "선호 응답", "좋은 답변"),
)
REJECTED = (
    *("rejected", "dispreferred", "worse", "rejected_response", "response_rejected", "answer_rejected", "lose"),
    *("rejected_answer", "비선호", "거절", "비선호 답변", "거절 답변", "비선호 응답", "나쁜 답변"),
)
TEXTS = (
    *("text", "content", "body", "document", "passage", "article", "dialogue", "review", "sentence", "comment"),
    *("utterance", "본문", "내용", "텍스트", "글", "리뷰", "문장", "code"),
)
LABELS = (
    *("label", "labels", "liked", "thumbs", "feedback", "rating", "sentiment", "intent", "kto_tag", "is_safe"),
    *("선호여부", "평가", "감정", "라벨", "레이블"),
)
CONTEXTS = (
    "context",
    "passage",
    "paragraph",
    "article",
    "document",
    "premise",
    "ctx",
    "support",
    "지문",
    "문맥",
    "본문",
)
"""Columns that hold what a question is about."""
WITHIN = ("text", "full_text", "stem", "value", "post", "content")
"""Where an object keeps its text."""
BLANKS = re.compile(r"[\s_-]+")


def squeezed(name: str) -> str:
    """A name without case, blanks, underscores and hyphens."""
    return BLANKS.sub("", name).casefold()


def by_name(row: dict[str, Any]) -> dict[str, str]:
    """The row's filled columns by their squeezed names."""
    return {squeezed(key): key for key, value in reversed(row.items()) if value is not None}


def text_place(
    row: dict[str, Any], names: Iterable[str], taken: Iterable[str] = (), *, lists: bool = False
) -> str | None:
    """The place (plain or dotted) of the first text that a column of one of these names holds; of a list the first."""
    columns = by_name(row)
    for name in names:
        column = columns.get(squeezed(name))
        if column is not None and column not in taken and (place := _within(row[column], column, lists)):
            return place
    return None


def _within(value: Any, place: str, lists: bool) -> str | None:
    if isinstance(value, str):
        return place
    if isinstance(value, list) and value and lists:
        return f"{place}.0" if isinstance(value[0], str) else None
    if isinstance(value, dict):
        found = (_within(value.get(name), f"{place}.{name}", lists) for name in WITHIN)
        return next(filter(None, found), None)
    return None
