"""A row as the model reads it: each line is trained (marked `#`, underlined) or masked (marked `.`, faint)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.content import Content

from tuner_tui.inspect.trained import runs_of

TRAINED, MASKED = "bold underline $success", "$text-muted"

Say = Callable[..., str]


def read_by_model(pieces: list[Any], say: Say) -> Content:
    """The legend with the counts, then every line with its mark."""
    count = sum(piece.trained for piece in pieces)
    parts: list[Content | tuple[str, str]] = [
        ("# ", "bold $success"),
        (say("rows.trained"), TRAINED),
        ("   . ", MASKED),
        (say("rows.masked") + "\n", MASKED),
        (say("rows.counts", trained=count, total=len(pieces)) + "\n\n", ""),
    ]
    for is_trained, text in runs_of(pieces):
        for line in text.split("\n"):
            mark, style = ("# ", TRAINED) if is_trained else (". ", MASKED)
            parts += [(mark, "bold $success" if is_trained else MASKED), (f"{line}\n", style)]
    return Content.assemble(*parts)
