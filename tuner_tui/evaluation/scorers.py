"""Every scorer maps one answer and its reference to 0..1, without a model and without a clock."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter


def normalise(text: str) -> str:
    """Case, spacing and Unicode form never decide whether an answer is right."""
    return " ".join(unicodedata.normalize("NFC", text).split()).casefold()


def exact_match(answer: str, reference: str) -> float:
    """1 when both say the same after `normalise`."""
    return float(normalise(answer) == normalise(reference))


def tokens_of(text: str) -> list[str]:
    """Words, punctuation dropped; a Hangul word is one token per syllable, since particles cling to it."""
    words = re.findall(r"[가-힣]|[^\W가-힣]+", normalise(text))
    return [str(word) for word in words]


def token_f1(answer: str, reference: str) -> float:
    """Harmonic mean of token precision and recall (SQuAD's F1, Rajpurkar et al. 2016; Hangul by syllable)."""
    got, wanted = tokens_of(answer), tokens_of(reference)
    if not got or not wanted:
        return float(got == wanted)
    shared = sum((Counter(got) & Counter(wanted)).values())
    if not shared:
        return 0.0
    precision, recall = shared / len(got), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def regex(answer: str, pattern: str) -> float:
    """1 when the pattern is found in the answer."""
    return float(re.search(pattern, answer, re.MULTILINE) is not None)
