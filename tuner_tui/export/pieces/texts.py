"""Running text."""

from typing import Any

from tuner_tui.export.pieces.rows import Unusable, filled


def examples_of(number: int, row: dict[str, Any]) -> list[dict[str, Any]]:
    """A text without a prompt."""
    if "text" not in row:
        raise Unusable("no text")
    return [{"row": number, "prompt": "", "completion": filled(row["text"])}]
