"""Pictures, sound and video are seen wherever a row keeps them: what is asked of them cannot be learnt from text."""

from __future__ import annotations

from typing import Any

COLUMNS = frozenset(
    ["image", "images", "image_path", "img", "picture", "pixel_values", "audio", "audios", "speech", "video", "videos"]
)


def media_in(row: dict[str, Any]) -> str:
    """The columns and parts of turns that hold no text, joined; "" where all is text."""
    found = {name for name in COLUMNS & row.keys() if row[name] not in (None, "", [], {})}
    for name in ("messages", "conversations", "prompt"):
        turns = row.get(name)
        for turn in turns if isinstance(turns, list) else ():
            found.update(_parts(turn))
    return ", ".join(sorted(found))


def _parts(turn: Any) -> set[str]:
    """The types of a turn's parts that have no text: `image_url`, `input_audio`."""
    parts = turn.get("content") if isinstance(turn, dict) else None
    if not isinstance(parts, list):
        return set()
    return {str(part.get("type")) for part in parts if isinstance(part, dict) and not isinstance(part.get("text"), str)}
