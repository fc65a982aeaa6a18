"""The language of a text is told by its script, Latin ones by the commonest words; where that fails it stays open."""

from __future__ import annotations

import re

WORD = re.compile("[a-z]+")
ENGLISH = frozenset(
    WORD.findall(
        "the of and to in is that for it as was with be by on not he this are or his from at which but have an had "
        "they you were their one all we can her has there been if more when will would who so no what how do does "
        "your my i me please hello yes answer question"
    )
)
SCRIPTS = {
    "ko": re.compile("[가-힣ㄱ-ㆎ]"),
    "ja": re.compile("[ぁ-ヿ]"),
    "zh": re.compile("[一-鿿]"),
    "ru": re.compile("[Ѐ-ӿ]"),
    "ar": re.compile("[؀-ۿ]"),
    "th": re.compile("[฀-๿]"),
    "el": re.compile("[Ͱ-Ͽ]"),
}
LATIN = re.compile("[A-Za-zÀ-ɏ]")
READ = 2000
ENGLISH_SHARE = 0.1
WEIGHT = {"ko": 2.0, "zh": 3.0, "ja": 2.0}
"""A syllable or character says about so many letters' worth; names and units in Latin letters do not tip the scale."""


def language_of(text: str) -> str | None:
    """`ko`, `en`, ...; `latin` for Latin letters that are not clearly English; None where nothing tells."""
    text = text[:READ]
    latin = len(LATIN.findall(text))
    if text.isascii():
        return _latin(text) if latin else None
    counts = {name: len(pattern.findall(text)) * WEIGHT.get(name, 1.0) for name, pattern in SCRIPTS.items()}
    if counts["ja"]:
        counts["ja"] += counts.pop("zh")
    name, most = max(counts.items(), key=lambda item: item[1])
    if most == 0 and latin == 0:
        return None
    return name if most >= latin else _latin(text)


def _latin(text: str) -> str | None:
    """Three words without a common one may be a name or a code in any language."""
    words = WORD.findall(text.lower())
    known = sum(word in ENGLISH for word in words)
    if known >= max(1, ENGLISH_SHARE * len(words)):
        return "en"
    return "latin" if len(words) > 3 else None
