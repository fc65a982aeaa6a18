"""A passage is data: it can neither end the prompt's frame nor speak as the system, the user or the assistant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tuner_tui.retrieval.chunks import Chunk

HANGUL = re.compile("[가-힣]")
FRAMES = {"ko": ("자료:", "질문:"), "en": ("Passages:", "Question:")}


def harmless(text: str, marks: Sequence[str]) -> str:
    """One line of text without the tokenizer's special tokens, control characters or our own frame's words.

    `marks` are the special tokens as text. What is taken out leaves a space.
    """
    for mark in sorted({mark for mark in marks if mark}, key=len, reverse=True):
        text = text.replace(mark, " ")
    text = "".join(" " if character in "\r\n\t\v\f\x85\u2028\u2029" else character for character in text)
    text = "".join(character for character in text if character.isprintable())
    for words in FRAMES.values():
        for word in words:
            text = text.replace(word, word[:-1])
    # Taking a mark away can join two halves to a new one.
    cleaned = " ".join(text.split())
    return cleaned if not any(mark in cleaned for mark in marks if mark) else harmless(cleaned, marks)


def framed(question: str) -> bool:
    """Whether a question already carries passages in our frame."""
    return any(question.startswith(f"{head}\n[1] ") and f"\n\n{ask} " in question for head, ask in FRAMES.values())


def with_passages(question: str, passages: Sequence[Chunk], marks: Sequence[str]) -> str:
    """The question below its numbered passages, in the question's language; without passages the question alone."""
    if not passages:
        return question
    head, ask = FRAMES["ko" if HANGUL.search(question) else "en"]
    lines = [f"[{number}] {harmless(chunk.text, marks)}" for number, chunk in enumerate(passages, 1)]
    return f"{head}\n" + "\n".join(lines) + f"\n\n{ask} {question}"
