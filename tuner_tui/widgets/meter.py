"""A bar is a share of a whole, with its words beside it; the number is written, never colour alone."""

from __future__ import annotations

from textual.content import Content

FULL, EMPTY = "⣿", "⣀"


def bar(share: float | None, width: int, style: str, mark: float | None = None, ascii_only: bool = False) -> Content:
    """A bar of `width` cells for a share 0..1 (None = unknown); `mark` sets a tick, for a prediction."""
    full, empty = ("#", "-") if ascii_only else (FULL, EMPTY)
    if share is None:
        return Content.styled(empty * width, "$rule")
    filled = round(max(0.0, min(1.0, share)) * width)
    parts = [(full * filled, style), (empty * (width - filled), "$rule")]
    content = Content.assemble(*parts)
    if mark is None or not 0 <= mark <= 1:
        return content
    at = min(width - 1, round(mark * width))
    return Content.assemble(content[:at], ("|", "$accent"), content[at + 1 :])
