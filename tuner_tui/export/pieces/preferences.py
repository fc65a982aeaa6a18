"""Prompts with a chosen and a rejected answer."""

from typing import Any

from tuner_tui.export.pieces.rows import Unusable, answer_of, filled, turns_of


def examples_of(number: int, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Prompt, chosen and rejected answer; the prompt given, or shared by both conversations."""
    if "chosen" not in row or "rejected" not in row:
        raise Unusable("no chosen and rejected answer")
    prompt = row.get("prompt") if "prompt" in row else turns_of(row["chosen"])[:-1]
    if "prompt" not in row:
        turns_of(row["rejected"])
    asked = turns_of(prompt) if isinstance(prompt, list) else filled(prompt)
    chosen, rejected = answer_of(row["chosen"]), answer_of(row["rejected"])
    if chosen == rejected:
        raise Unusable("chosen and rejected are the same")
    return [{"row": number, "prompt": asked, "completion": chosen, "rejected": rejected}]
