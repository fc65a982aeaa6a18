"""Whether a label says yes or no is read in one way, by inspection, training and exported scripts alike."""

from __future__ import annotations

from typing import Any

YES = frozenset(
    ["true", "yes", "y", "t", "1", "1.0", "good", "up", "like", "liked", "positive", "예", "네", "참", "좋음"]
)
NO = frozenset(
    ["false", "no", "n", "f", "0", "0.0", "bad", "down", "dislike", "disliked", "negative", "아니오", "거짓", "나쁨"]
)


def verdict(value: Any) -> bool | None:
    """Whether a label says yes or no, however it is written; None when it says neither."""
    if isinstance(value, str):
        word = value.strip().casefold()
        return True if word in YES else False if word in NO else None
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None
