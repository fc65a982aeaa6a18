"""A passage is data: it can neither end the prompt's frame nor speak as the system, the user or the assistant."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tuner_tui.retrieval.chunks import Chunk

CHAT_MARKS = re.compile(
    r"<[|｜][^|｜<>]{0,60}[|｜]>|</?s>|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]"
    r"|</?(?:start|end)_of_(?:turn|role|text)>|<(?:bos|eos|pad|unk)>|</?think>|</?tool_(?:call|response)>"
)
HANGUL = re.compile("[가-힣]")
OTHERWISE = {"ko": "자료에 없으면 이렇게 답하세요:", "en": "If the passages do not say, answer:"}
FRAMES = {"ko": ("자료:", "질문:"), "en": ("Passages:", "Question:")}


def harmless(text: str, marks: Sequence[str]) -> str:
    """One line of text without special tokens, control characters or our own frame's words.

    `marks` are the tokenizer's special tokens as text; those of the common chat templates go too, for an endpoint's
    tokenizer is not known here. What is taken out leaves a space.
    """
    gone = sorted({mark for mark in marks if mark}, key=len, reverse=True)
    text = "".join(" " if character in "\r\n\t\v\f\x85\u2028\u2029" else character for character in text)
    text = "".join(character for character in text if character.isprintable())
    before = None
    while text != before:  # taking a mark away can join two halves to a new one
        before, text = text, CHAT_MARKS.sub(" ", text)
        for mark in gone:
            text = text.replace(mark, " ")
        for words in FRAMES.values():
            for word in words:
                text = text.replace(word, word[:-1])
        text = " ".join(text.split())
    return text


def framed(question: str) -> bool:
    """Whether a question already carries passages in our frame."""
    return any(question.startswith(f"{head}\n[1] ") and f"\n\n{ask} " in question for head, ask in FRAMES.values())


def with_passages(question: str, passages: Sequence[Chunk], marks: Sequence[str], absent: str | None = None) -> str:
    """The question below its numbered passages, in the question's language; without passages the question alone.

    `absent` is what to answer where the passages do not say.
    """
    if not passages:
        return question
    language = "ko" if HANGUL.search(question) else "en"
    head, ask = FRAMES[language]
    lines = [f"[{number}] {harmless(chunk.text, marks)}" for number, chunk in enumerate(passages, 1)]
    otherwise = f"\n\n{OTHERWISE[language]} {absent}" if absent else ""
    return f"{head}\n" + "\n".join(lines) + f"{otherwise}\n\n{ask} {question}"
