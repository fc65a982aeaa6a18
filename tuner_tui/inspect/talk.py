"""What a row asks and what it answers, in one form for every format: whoever measures rows reads them through here."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from tuner_tui.inspect.formats import SYSTEM
from tuner_tui.inspect.shape import DOCUMENTS, ROLES, Shape

Turn = dict[str, str]


class Talk(NamedTuple):
    """`asked` is a conversation or plain text, `answer` the wanted reply, `rejected` the unwanted one."""

    asked: list[Turn] | str
    answer: str | None = None
    rejected: str | None = None

    @property
    def asked_text(self) -> str:
        """All that is asked, as one text."""
        return self.asked if isinstance(self.asked, str) else "\n".join(turn["content"] for turn in self.asked)


def talk_of(row: dict[str, Any], shape: Shape) -> Talk | None:
    """The talk of one row under our field names; None where the row holds none."""
    read = READERS.get(shape.check or "", _plain)
    try:
        talk = read(row, shape)
    except (KeyError, TypeError, IndexError, AttributeError):
        return None
    talk = talk._replace(asked=_told(row, shape, talk.asked))
    whole = isinstance(talk.asked, str | list) and isinstance(talk.answer, str | None)
    return talk if whole and isinstance(talk.rejected, str | None) else None


def _told(row: dict[str, Any], shape: Shape, asked: Any) -> Any:
    """What is asked, after the system text of the row where it has one of its own and no turn says it already."""
    system = next((row[name] for name in SYSTEM if isinstance(row.get(name), str) and row[name].strip()), None)
    if system is None or not asked or shape.kind == DOCUMENTS:
        return asked
    turns = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    return asked if turns[0]["role"] == "system" else [{"role": "system", "content": system}, *turns]


def turns_of(value: Any) -> list[Turn]:
    """Turns with role and content, from OpenAI's or ShareGPT's keys."""
    turns = []
    for turn in value:
        role = ROLES.get(str(turn.get("role", turn.get("from"))), "user")
        turns.append({"role": role, "content": _content(turn.get("content", turn.get("value"))) or _calls(turn)})
    return turns


def _calls(turn: dict[str, Any]) -> str:
    """What a turn without text calls, as JSON; "" where it calls nothing."""
    found = calls_in(turn)
    return msgspec.json.encode(found).decode() if found else ""


def calls_in(turn: Any) -> Any:
    """The tool calls of a turn."""
    return (turn.get("tool_calls") or turn.get("function_call")) if isinstance(turn, dict) else None


def messages_in(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The turns of a row as they stand, where it is a conversation."""
    value = row.get("messages", row.get("conversations"))
    return [turn for turn in value if isinstance(turn, dict)] if isinstance(value, list) else []


def _content(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(str(part.get("text", "")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""


def _plain(row: dict[str, Any], shape: Shape) -> Talk:
    if shape.kind is None:
        raise KeyError("no known form")
    if shape.kind == "documents":
        return Talk("", row["text"])
    if shape.format == "alpaca":
        return Talk(_alpaca(row), str(row["output"]))
    return Talk(_asked(row["prompt"]), row.get("completion"))


def _alpaca(row: dict[str, Any]) -> str:
    """As training reads it: instruction and input are one question."""
    return "\n\n".join(part for part in (row["instruction"], row.get("input") or "") if part)


def _conversation(row: dict[str, Any], shape: Shape) -> Talk:
    turns = turns_of(row.get("messages", row.get("conversations")))
    if turns and turns[-1]["role"] == "assistant":
        return Talk(turns[:-1], turns[-1]["content"])
    return Talk(turns)


def _pair(row: dict[str, Any], shape: Shape) -> Talk:
    return Talk(_asked(row.get("prompt", row.get("question"))), _reply(row.get("completion", row.get("answer"))))


def _asked(value: Any) -> list[Turn] | str:
    return turns_of(value) if isinstance(value, list) else str(value or "")


def _reply(value: Any) -> str | None:
    if isinstance(value, list):
        return turns_of(value)[-1]["content"]
    if isinstance(value, dict):
        return _content(value.get("content", value.get("value")))
    return None if value is None else str(value)


def _preference(row: dict[str, Any], shape: Shape) -> Talk:
    chosen, rejected = row["chosen"], row["rejected"]
    if "prompt" in row:
        return Talk(_asked(row["prompt"]), _reply(chosen), _reply(rejected))
    if isinstance(chosen, list):
        return Talk(turns_of(chosen)[:-1], _reply(chosen), _reply(rejected))
    shared = _shared(chosen, rejected)
    return Talk(chosen[:shared], chosen[shared:], rejected[shared:])


def _shared(chosen: str, rejected: str) -> int:
    """Where two dialogues part, at the last assistant mark before their first difference."""
    at = 0
    for left, right in zip(chosen, rejected, strict=False):
        if left != right:
            break
        at += 1
    mark = chosen.rfind("\n\nAssistant:", 0, at + len("\n\nAssistant:"))
    return mark + len("\n\nAssistant:") if mark >= 0 else at


def _openai_preference(row: dict[str, Any], shape: Shape) -> Talk:
    asked = turns_of(row["input"]["messages"])
    return Talk(asked, _reply(row["preferred_output"]), _reply(row["non_preferred_output"]))


def _ultrafeedback(row: dict[str, Any], shape: Shape) -> Talk:
    answers = sorted(row["completions"], key=_score, reverse=True)
    asked = _asked(row.get("instruction", row.get("prompt")))
    return Talk(asked, str(answers[0].get("response")), str(answers[-1].get("response")))


def _score(answer: dict[str, Any]) -> float:
    value = answer.get("overall_score", answer.get("score", answer.get("fine-grained_score")))
    return float(value) if isinstance(value, int | float) else 0.0


READERS = {
    "turns": _conversation,
    "unasked": _conversation,
    "prompt_completion": _pair,
    "unpaired": _pair,
    "checkable": _pair,
    "marked": _pair,
    "chosen": _pair,
    "prompts": _pair,
    "labelled": _pair,
    "preference": _preference,
    "hh_rlhf": _preference,
    "openai_preference": _openai_preference,
    "ultrafeedback": _ultrafeedback,
}
