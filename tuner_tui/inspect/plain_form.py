"""Whatever form rows come in, prepared rows have one form a kind: the one that training and every exporter read."""

from __future__ import annotations

from typing import Any

from tuner_tui.inspect.shape import DOCUMENTS, FEEDBACK, PREFERENCE_PAIRS, ROLES, UNLABELED, VERIFIABLE, Shape
from tuner_tui.inspect.talk import Talk, Turn, calls_in, messages_in
from tuner_tui.liked import verdict

TOOLS = ("tools", "functions", "parallel_tool_calls")
CALLS = ("name", "tool_calls", "tool_call_id", "function_call")
"""What OpenAI's rows say of tools, and what their turns do."""


def plain_form(named: dict[str, Any], talk: Talk, shape: Shape) -> dict[str, Any]:
    """One row in its kind's form: messages, preference pair, feedback, question and answer, prompt, or text."""
    if shape.kind == DOCUMENTS:
        return {"text": talk.answer or ""}
    if shape.kind == VERIFIABLE:
        return {"question": talk.asked_text, "answer": talk.answer or ""}
    asked = _turns(talk)
    if shape.kind == PREFERENCE_PAIRS:
        return {"prompt": asked, "chosen": _said(talk.answer), "rejected": _said(talk.rejected)}
    if shape.kind == FEEDBACK:
        return {"prompt": asked, "completion": _said(talk.answer), "label": verdict(named["label"]) is True}
    if shape.kind == UNLABELED:
        return {"prompt": asked}
    if any(map(calls_in, messages_in(named))) or named.get("tools"):
        return {"messages": list(map(_whole, messages_in(named))), **{key: named[key] for key in TOOLS if key in named}}
    return {"messages": [*asked, *_said(talk.answer)]}


def _whole(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn in OpenAI's keys with all that belongs to a tool call."""
    role = ROLES[str(turn.get("role", turn.get("from")))]
    kept = {key: turn[key] for key in CALLS if turn.get(key) is not None}
    return {"role": role, "content": turn.get("content", turn.get("value")), **kept}


def _turns(talk: Talk) -> list[Turn]:
    return [{"role": "user", "content": talk.asked}] if isinstance(talk.asked, str) else talk.asked


def _said(answer: str | None) -> list[Turn]:
    return [{"role": "assistant", "content": answer or ""}]
