"""Foreign text never drives the terminal: what leaves here holds no control, escape or direction character."""

from __future__ import annotations

import re
import unicodedata

MAX_LEN = 4000
ELLIPSIS = "…"

# C0 and DEL, C1 (U+009B is CSI in one byte), bidi overrides and isolates, zero-width and line separators, Hangul
# fillers, byte-order mark, tag characters and lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\uffa0\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_UNSAFE_OR_NEWLINE = re.compile(_UNSAFE.pattern[:1] + "\n" + _UNSAFE.pattern[1:])

# Zero-width joiners, variation selectors and skin tones: terminals disagree on how many cells the joined sign takes
# (tmux 3.3: U+26A0 U+FE0F one cell, a skin tone two more), and one cell too many tears every border to its right.
_JOINING = re.compile("[\u200d\ufe00-\ufe0f]|(?<=[\u261d-\U0001faff])[\U0001f3fb-\U0001f3ff]")


def clean(text: object, max_len: int = MAX_LEN, *, lines: bool = False) -> str:
    """Text that is safe to draw: NFC, at most `max_len` characters, unsafe characters made visible.

    Control characters become their pictures (ESC -> U+241B), tabs a space, others U+FFFD. Newlines become spaces
    unless `lines`. What joins signs is left out, so that every terminal draws as many cells as were counted. It is
    not escaped for markup: draw it with `markup=False`.
    """
    raw = text if isinstance(text, str) else str(text)
    if len(raw) > max_len:
        raw = raw[: max_len - 1] + ELLIPSIS
    if raw.isascii() and raw.isprintable():
        return raw
    if lines and "\r" in raw:
        raw = raw.replace("\r\n", "\n")
    safe = _JOINING.sub("", visible(raw, lines=lines))
    return safe if unicodedata.is_normalized("NFC", safe) else unicodedata.normalize("NFC", safe)[:max_len]


def visible(text: str, *, lines: bool = False) -> str:
    """The same text with each unsafe character made visible, and nothing else changed."""
    return (_UNSAFE if lines else _UNSAFE_OR_NEWLINE).sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code in (0x09, 0x0A):
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "�"
