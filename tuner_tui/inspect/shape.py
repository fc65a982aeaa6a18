"""What a recognised form says: which kind of data it counts as, where its fields stand, how its rows are judged."""

from __future__ import annotations

import msgspec

INSTRUCTION_PAIRS, PREFERENCE_PAIRS, FEEDBACK = "instruction_pairs", "preference_pairs", "binary_feedback"
VERIFIABLE, UNLABELED, DOCUMENTS = "verifiable_rewards", "unlabeled_inputs", "documents"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A recognised format. `columns` is our field -> the column that holds it; `guessed` when names were matched.

    `texts` are fields that must hold text that is not blank; `check` names the further check of each row. `made` are
    steps (`reform.STEPS`) that bring a row into this format first. `task` names what rows are for that nothing here
    trains.
    """

    format: str
    kind: str | None
    columns: dict[str, str] = {}
    texts: tuple[str, ...] = ()
    check: str | None = None
    guessed: bool = False
    made: tuple[str, ...] = ()
    task: str = ""


UNKNOWN = Shape(format="unknown", kind=None)
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
ROLES |= {"human": "user", "gpt": "assistant", "function": "tool", "observation": "tool", "function_call": "assistant"}
ROLES |= dict.fromkeys(("chatgpt", "bing", "bard", "model", "bot"), "assistant")
"""What turns are called, in OpenAI's, ShareGPT's and Gemma's rows, and what they are."""
