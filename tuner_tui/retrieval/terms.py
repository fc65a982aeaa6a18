"""Question and passage are cut into terms by the same rule, or nothing is ever found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

TERM = re.compile(r"[가-힣]+|[^\W가-힣]+")
HANGUL_WORD = re.compile("[가-힣]")
BIGRAMS = "bigrams"
KEPT_TAGS = ("N", "V", "XR", "MA", "MM")
Cut = Callable[[Sequence[str]], list[list[str]]]


def _one_form(text: str) -> str:
    """One form of what reads the same: case, full width, ligatures of a PDF, composed letters."""
    return unicodedata.normalize("NFKC", text).casefold()


def terms(text: str) -> list[str]:
    """Words, case folded; a Hangul word also gives its syllable pairs, since particles cling to it (Lee & Ahn 1996)."""
    found: list[str] = []
    for word in TERM.findall(_one_form(text)):
        found.append(word)
        if "가" <= word[0] <= "힣":
            found += [word[at : at + 2] for at in range(len(word) - 1)]
    return found


def cutter(name: str) -> Cut:
    """The rule by its recorded name: `bigrams`, or `kiwi VERSION`. ValueError when that kiwi is not installed."""
    if name == BIGRAMS:
        return lambda texts: [terms(text) for text in texts]
    found = kiwi_name()
    if found is None or name != found:
        raise ValueError(f"built with {name}, installed is {found or 'none'}")
    return _morphemes()


def kiwi_name() -> str | None:
    """`kiwi VERSION` of what is installed; None without it or without its model."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"kiwi {version('kiwipiepy')} {version('kiwipiepy-model')}"
    except PackageNotFoundError:
        return None


def _morphemes() -> Cut:
    """Nouns, verbs, roots and adverbs of Hangul as kiwi finds them; every other word as it stands."""
    loaded: list[Any] = []

    def kiwi() -> Any:
        if not loaded:  # two seconds, paid by the first Korean text
            from kiwipiepy import Kiwi

            loaded.append(Kiwi())
        return loaded[0]

    def cut(texts: Sequence[str]) -> list[list[str]]:
        plain = [_one_form(text) for text in texts]
        found = [[word for word in TERM.findall(text) if not "가" <= word[0] <= "힣"] for text in plain]
        korean = [at for at, text in enumerate(plain) if HANGUL_WORD.search(text)]
        cut_up = kiwi().tokenize([plain[at] for at in korean]) if korean else ()
        for at, tokens in zip(korean, cut_up, strict=True):
            found[at] += [each.form for each in tokens if each.tag.startswith(KEPT_TAGS)]
        return found

    return cut
