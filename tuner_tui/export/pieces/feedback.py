"""Single answers, each liked or not."""

from typing import Any

from tuner_tui.export.pieces.rows import Unusable, answer_of, filled, turns_of
from tuner_tui.liked import verdict


def examples_of(number: int, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Prompt, answer, and whether it was liked; a preference pair gives one of each."""
    if "chosen" in row and "rejected" in row:
        return both_of(number, row)
    if not {"prompt", "completion", "label"} <= row.keys():
        raise Unusable("no prompt, completion and label")
    liked = verdict(row["label"])
    if liked is None:
        raise Unusable("the label is neither true nor false")
    prompt = row["prompt"]
    asked = turns_of(prompt) if isinstance(prompt, list) else filled(prompt)
    return [{"row": number, "prompt": asked, "completion": answer_of(row["completion"]), "label": liked}]


def both_of(number: int, row: dict[str, Any]) -> list[dict[str, Any]]:
    """The chosen answer as liked, the rejected one as not."""
    prompt = row["prompt"] if "prompt" in row else turns_of(row["chosen"])[:-1]
    if "prompt" not in row:
        turns_of(row["rejected"])
    asked = turns_of(prompt) if isinstance(prompt, list) else filled(prompt)
    chosen, rejected = answer_of(row["chosen"]), answer_of(row["rejected"])
    if chosen == rejected:
        raise Unusable("chosen and rejected are the same")
    liked = {"row": number, "prompt": asked, "completion": chosen, "label": True}
    return [liked, {**liked, "completion": rejected, "label": False}]
