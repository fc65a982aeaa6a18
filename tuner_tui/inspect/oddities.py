"""Small things in a text that spoil training or a terminal: each test is a pure function of the text."""

from __future__ import annotations

import re

from tuner_tui.inspect.report import Severity

PLACEHOLDERS = frozenset(
    [
        *["n/a", "na", "none", "null", "nan", "todo", "tbd", "tba", "...", "…", "-", "--", "?", "??", "xxx", "lorem"],
        *("lorem ipsum", "no answer", "답변 없음", "없음", "해당 없음", "미정", "작성 중", "모름"),
    ]
)
INVISIBLE = " \t\r\n\xa0\u200b\u200c\u200d\u2060\u3000\ufeff"
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
SPECIAL = re.compile(
    r"<\|[a-z_]{2,40}\|>|</?s>|\[/?INST\]|<<SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|<(?:begin|end)▁of▁sentence>"
)
HTML = re.compile(r"</(?:p|div|span|a|li|td|br|h[1-6])>|<br ?/?>|&(?:nbsp|amp|lt|gt|quot|#\d{2,5});")


def is_placeholder(text: str) -> bool:
    """Whether an answer only keeps a place: `N/A`, `TODO`, `...`, `없음`."""
    seen = text.strip(INVISIBLE)
    return not seen or seen.strip(".!").casefold() in PLACEHOLDERS or seen in PLACEHOLDERS


def has_control(text: str) -> bool:
    """Whether it holds escape sequences, other control characters or direction marks."""
    return not (text.isascii() and text.isprintable()) and CONTROL.search(text) is not None


def has_special(text: str) -> bool:
    """Whether it holds what chat templates use as marks: inside a text they end a turn or begin another."""
    return ("<" in text or "[" in text) and SPECIAL.search(text) is not None


def has_html(text: str) -> bool:
    """Whether it holds left-over HTML."""
    return ("<" in text or "&" in text) and HTML.search(text) is not None


TESTS = {"control_characters": has_control, "special_tokens": has_special, "html": has_html}
SEVERITY = {"html": Severity.INFO}
