"""A passage is data: it can neither end the prompt's frame nor speak as the system, the user or the assistant."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from tuner_tui.retrieval.chunks import Chunk

CHAT_MARKS = (
    r"<\|[^|<>]{0,60}\|>|</?s>|<</?sys>>|\[/?(?:inst|system_prompt|available_tools|tool_calls|tool_results)\]"
    r"|</?(?:start|end)_of_(?:turn|role|text)>|<(?:bos|eos|pad|unk)>|</?think>|</?tool_(?:call|response)>"
)
SPEAKERS = (
    r"passages|question|answer(?: [ab])?|instructions?|response|system|user|assistant|human"
    r"|자료|질문|답변|답하세요|시스템|사용자"
)
TURN = re.compile(rf"(?<!\w)(?:{SPEAKERS})\s*(:)")
NUMBERED = re.compile(r"(?<![\w\])}])[\[［【〔]\s*(\d{1,4})\s*[\]］】〕](?=\s+\S)")
"""What looks like the head of another passage; a footnote after a word and an index after a name are none."""
ALIKE = {
    "a": "аɑα", "b": "Ьƅ", "c": "сϲ", "d": "ԁ", "e": "еҽ", "g": "ɡ", "h": "һ", "i": "іıɩι", "j": "ј", "k": "κк",
    "l": "ӏ", "m": "м", "n": "ո", "o": "оοօ", "p": "рρ", "q": "ԛ", "r": "г", "s": "ѕ", "t": "т", "u": "υս", "v": "ѵν",
    "w": "ԝ", "x": "х", "y": "уγ", "z": "ᴢ", "<": "‹〈⟨❮˂ᐸ", ">": "›〉⟩❯˃ᐳ", "|": "¦ǀ∣│┃❘", ":": "∶꞉ː܃׃ꓽ", "/": "⁄∕╱",
    "_": "‗ˍ▁",
}  # fmt: skip
LOOKS = str.maketrans({other: letter for letter, others in ALIKE.items() for other in others})
"""What most readers, people and models, take for a letter or sign of the marks (Unicode TR 39 has all of them)."""
HANGUL = re.compile("[가-힣]")
OTHERWISE = {"ko": "자료에 없으면 이렇게 답하세요:", "en": "If the passages do not say, answer:"}
NOTHING = {"ko": "(찾은 자료가 없습니다)", "en": "(none was found)"}
FRAMES = {"ko": ("자료:", "질문:"), "en": ("Passages:", "Question:")}


def harmless(text: str, marks: Sequence[str]) -> str:
    """One line of text without special tokens, control characters, a speaker's `Name:`, also in letters that look so,
    and without another passage's `[number]`, which becomes `(number)`.

    `marks` are the tokenizer's special tokens as text; those of the common chat templates go too, for an endpoint's
    tokenizer is not known here. What is taken out leaves a space.
    """
    wanted = sorted({_folded(mark)[0] for mark in marks if mark.strip() and not mark.isalnum()}, key=len, reverse=True)
    pattern = re.compile("|".join([CHAT_MARKS, *map(re.escape, filter(None, wanted))]))
    text = "".join(" " if character.isspace() else character for character in text)
    text = unicodedata.normalize("NFC", "".join(character for character in text if character.isprintable()))
    before = None
    while text != before:  # spaces that fall together can make a mark
        before, text = text, _without(" ".join(text.split()), pattern)
    return NUMBERED.sub(r"(\1)", text)


def _without(text: str, marks: re.Pattern[str]) -> str:
    """The text without the marks, those included that come about when others are taken away."""
    folded, places = _folded(text)
    whole = Counter(places)
    while cuts := [match.span() for match in marks.finditer(folded)] or [m.span(1) for m in TURN.finditer(folded)]:
        for start, end in reversed(cuts):
            folded = f"{folded[:start]} {folded[end:]}"
            places[start:end] = [-1]
    left = Counter(places)
    kept, last = [], -2
    for place in places:
        if place == -1 or (place != last and left[place] == whole[place]):
            kept.append(" " if place == -1 else text[place])
        last = place
    return " ".join("".join(kept).split())


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in plain small letters, and of each of them the place in `text` that it stands for."""
    if text.isascii():
        return text.lower(), list(range(len(text)))
    found, places = [], []
    for at, character in enumerate(text):
        plain = _plain(character)
        found.append(plain)
        places += [at] * len(plain)
    return "".join(found), places


@lru_cache(1 << 16)
def _plain(character: str) -> str:
    return unicodedata.normalize("NFKC", character).casefold().translate(LOOKS)


def framed(question: str) -> bool:
    """Whether a question already carries passages in our frame."""
    return any(question.startswith(f"{head}\n[1] ") and f"\n\n{ask} " in question for head, ask in FRAMES.values())


def with_passages(question: str, passages: Sequence[Chunk], marks: Sequence[str], absent: str | None = None) -> str:
    """The question below its numbered passages, in the question's language.

    `absent` is what to answer where the passages do not say, so also where none was found; without it the question then
    stands alone.
    """
    if not passages and not absent:
        return question
    language = "ko" if HANGUL.search(question) else "en"
    head, ask = FRAMES[language]
    lines = [] if passages else [NOTHING[language]]
    lines += [f"[{number}] {harmless(chunk.text, marks)}" for number, chunk in enumerate(passages, 1)]
    otherwise = f"\n\n{OTHERWISE[language]} {absent}" if absent else ""
    return f"{head}\n" + "\n".join(lines) + f"{otherwise}\n\n{ask} {question}"
