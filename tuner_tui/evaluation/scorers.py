"""Every scorer maps one answer and its reference to 0..1, without a model and without a clock."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import msgspec


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


def rouge_l(answer: str, reference: str) -> float:
    """F1 of the longest common subsequence of tokens (Lin 2004), tokens as `token_f1` has them."""
    got, wanted = tokens_of(answer), tokens_of(reference)
    if not got or not wanted:
        return float(got == wanted)
    row = [0] * (len(wanted) + 1)
    for token in got:
        before = 0
        for at, other in enumerate(wanted, 1):
            before, row[at] = row[at], before + 1 if token == other else max(row[at], row[at - 1])
    return 2 * row[-1] / (len(got) + len(wanted))


def chrf(answer: str, reference: str) -> float:
    """chrF of one answer (Popovic 2015), character n-grams up to six, as sacrebleu computes it."""
    from sacrebleu.metrics import CHRF

    return float(CHRF().sentence_score(answer, [reference]).score) / 100


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or list; a bare number or word is not what anyone means by JSON."""
    try:
        return isinstance(msgspec.json.decode(text.strip()), dict | list)
    except msgspec.DecodeError:
        return False


def regex(answer: str, pattern: str) -> float:
    """1 when the pattern is found in the answer."""
    return float(re.search(pattern, answer, re.MULTILINE) is not None)
