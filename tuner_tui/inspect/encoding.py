"""The encoding of bytes is told by what they spell: only text that people write in a script counts as evidence.

Without a mark, UTF-16 and UTF-32 show in where their blanks lie; Korean, Japanese and Chinese tables in syllables and
characters that are common there (KS X 1001, kana, the hundred most frequent hanzi). Western and Cyrillic tables give
letters for any bytes, so they are only suggested, never assumed.
"""

from __future__ import annotations

import codecs
import re

UTF8 = "utf-8"
BOMS = (
    *((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),
    *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
ESCAPED = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$B", "iso2022_jp"), (b"\x1b$@", "iso2022_jp"))
LEAST, SHARE = 4, 0.8
BLANK_SHARE, READABLE_SHARE = 0.03, 0.95
READABLE = re.compile(
    "[\t\n\r\x20-\x7e\u00a0-\u024f\u0370-\u04ff\u2010-\u2027\u3000-\u30ff\u4e00-\u9fff가-힣\uff00-\uffef]"
)
KANA = re.compile("[ぁ-んァ-ヶー]")
JAPANESE = re.compile("[ぁ-んァ-ヶー一-鿿、。・「」！？（）〜：，]")
CHINESE = re.compile("[一-鿿，。！？、；：“”‘’（）《》]")
FREQUENT = frozenset(
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可她里后小么心多天而能"
    "好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长請問這個來說們為時學對裡後麼沒還發"
    "當開見經頭動長什請问谢謝答回"
)
"""The most frequent characters of Chinese (Jun Da's list, 2004), simplified and traditional."""
WESTERN = re.compile("[À-ÖØ-öø-ÿŒœŠšŽžŸ“”‘’–—…€«»¿¡°§£©®·]")
CYRILLIC = re.compile("[а-яё]")


def encoding_of(head: bytes) -> str:
    """The encoding of the bytes that a text begins with: `utf-8` also where nothing else is certain."""
    for mark, name in BOMS:
        if head.startswith(mark):
            return name
    for mark, name in ESCAPED:
        if mark in head[:4096] and reads(head, name) is not None:
            return name
    wide = _wide(head)
    if wide is not None or reads(head, UTF8) is not None:
        return wide or UTF8
    return eastern(head) or UTF8


def eastern(raw: bytes) -> str | None:
    """The Korean, Japanese or Chinese table that makes sense of these bytes; None where none does."""
    if is_korean(raw, "cp949"):
        return "cp949"
    for name, is_it in (
        ("cp932", _is_japanese), ("euc_jp", _is_japanese), ("gb18030", _is_chinese), ("big5hkscs", _is_chinese),
    ):  # fmt: skip
        text = reads(raw, name)
        if text is not None and is_it([letter for letter in text if ord(letter) > 127]):
            return name
    return "johab" if is_korean(raw, "johab") else None


def suggested(raw: bytes) -> str | None:
    """A table that bytes which are no UTF-8 fit, where a person should decide: Western or Cyrillic Windows."""
    if reads(raw, UTF8) is not None:
        return None
    for name, letters in (("cp1251", CYRILLIC), ("koi8_r", CYRILLIC), ("cp1252", WESTERN)):
        text = reads(raw, name)
        foreign = [letter for letter in text or "" if ord(letter) > 127]
        if foreign and sum(map(bool, map(letters.match, foreign))) >= SHARE * len(foreign):
            return name
    return None


def reads(raw: bytes, encoding: str) -> str | None:
    """The text, the last character perhaps cut; None where the bytes are none in this encoding."""
    try:
        return codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return None


def is_korean(raw: bytes, encoding: str) -> bool:
    """Whether what is not ASCII is nearly all common Hangul (KS X 1001: 2,350 syllables).

    A few Latin-1 letters are not, and Shift JIS or GBK read as CP949 gives rare syllables that nobody writes.
    """
    text = reads(raw, encoding)
    foreign = [letter for letter in text or "" if ord(letter) > 127]
    hangul = sum("가" <= letter <= "힣" and min(letter.encode("cp949")) > 0xA0 for letter in foreign)
    return hangul >= LEAST and hangul >= SHARE * len(foreign)


def _is_japanese(foreign: list[str]) -> bool:
    kana = sum(map(bool, map(KANA.match, foreign)))
    usual = sum(map(bool, map(JAPANESE.match, foreign)))
    return kana >= LEAST and kana >= 0.2 * len(foreign) and usual >= SHARE * len(foreign)


def _is_chinese(foreign: list[str]) -> bool:
    usual = sum(map(bool, map(CHINESE.match, foreign)))
    frequent = sum(letter in FREQUENT for letter in foreign)
    return frequent >= LEAST and frequent >= 0.15 * len(foreign) and usual >= SHARE * len(foreign)


def _wide(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: the text is readable, and some of it are blanks or line ends."""
    if 0 not in head[:4096]:
        return None
    for name, width in (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2)):
        text = reads(head[: len(head) // width * width][:8192], name)
        if not text or len(text) < LEAST:
            continue
        blanks = sum(letter in " \n\r\t" for letter in text)
        readable = len(READABLE.findall(text))
        if blanks >= BLANK_SHARE * len(text) and readable >= READABLE_SHARE * len(text):
            return name
    return None
