"""Question and passage are cut into terms by the same rule, or nothing is ever found."""

from __future__ import annotations

import re
import unicodedata

TERM = re.compile(r"[가-힣]+|[^\W가-힣]+")


def terms(text: str) -> list[str]:
    """Words, case folded; a Hangul word also gives its syllable pairs, since particles cling to it (Lee & Ahn 1996)."""
    found: list[str] = []
    for word in TERM.findall(unicodedata.normalize("NFC", text).casefold()):
        found.append(word)
        if "가" <= word[0] <= "힣":
            found += [word[at : at + 2] for at in range(len(word) - 1)]
    return found
