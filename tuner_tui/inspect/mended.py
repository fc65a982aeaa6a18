"""Repairs never guess: wrong decodings are undone, with gaps only by wish, control characters go, letters compose."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Any

from tuner_tui.inspect.mojibake import repair
from tuner_tui.inspect.oddities import CONTROL


def mended_text(text: str, done: Counter[str], *, gaps: bool = False) -> str:
    """The text repaired; `done` counts what was done by code.

    With `gaps`, a text of which characters are lost is brought back too, U+FFFD standing for each of those; without, it
    stays as it is, for any change would make it harder to bring back.
    """
    if text.isascii() and text.isprintable():
        return text
    found = repair(text)
    if found is not None and found.lost and not gaps:
        return text
    if found is not None:
        text = found.text
        done["mojibake_lossy" if found.lost else "mojibake"] += 1
    if CONTROL.search(text) is not None:
        text = CONTROL.sub("", text)
        done["control_characters"] += 1
    if not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
        done["composed"] += 1
    return text


def mended(value: Any, done: Counter[str], *, gaps: bool = False) -> Any:
    """A value with all its texts repaired, keys left alone."""
    if isinstance(value, str):
        return mended_text(value, done, gaps=gaps)
    if isinstance(value, list):
        return [mended(item, done, gaps=gaps) for item in value]
    if isinstance(value, dict):
        return {key: mended(item, done, gaps=gaps) for key, item in value.items()}
    return value
