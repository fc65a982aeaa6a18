"""Every known row format becomes an `Example`; a row that fits none is refused by number, never guessed at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tuner_tui.evaluation.example import Example, Message
from tuner_tui.liked import verdict

Reader = Callable[[int, dict[str, Any]], list[Example]]

OTHER_NAMES = {"human": "user", "function": "tool", "observation": "tool"} | dict.fromkeys(
    ("gpt", "chatgpt", "bing", "bard", "model", "bot", "function_call"), "assistant"
)
"""What ShareGPT, Gemma and their kin call a turn's role."""
ROLES = ("system", "user", "assistant", "tool", "developer")
SYSTEM = ("system", "system_prompt")
"""Columns that hold the system text of a row, as LLaMA-Factory and OpenOrca call them."""


class Unusable(ValueError):
    """Why a row cannot be used: a locale key and what it names."""

    def __init__(self, code: str, **params: object) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


def pairs(number: int, row: dict[str, Any]) -> list[Example]:
    """Prompts with wanted answers: messages, conversations, prompt/completion, instruction/output, question/answer."""
    if "messages" in row or "conversations" in row:
        return _turns(number, told(row, messages_of(row.get("messages", row.get("conversations")))))
    if "prompt" in row and ("completion" in row or "response" in row):
        return [_pair(number, told(row, row["prompt"]), row.get("completion", row.get("response")))]
    if "instruction" in row and ("output" in row or "response" in row):
        asked = "\n\n".join(part for part in (_text(row["instruction"]), _text(row.get("input") or "")) if part)
        return [_pair(number, told(row, asked), row.get("output", row.get("response")))]
    if "question" in row and "answer" in row:
        return [_pair(number, told(row, row["question"]), row["answer"])]
    for answer in ("chosen", "answer"):
        if "prompt" in row and answer in row:
            return [_pair(number, told(row, row["prompt"]), _plain(row[answer]))]
    raise Unusable("no_pair", keys=", ".join(row))


def preferences(number: int, row: dict[str, Any]) -> list[Example]:
    """A prompt with a chosen and a rejected answer, the prompt given or shared by both conversations."""
    if "chosen" not in row or "rejected" not in row:
        raise Unusable("no_preference", keys=", ".join(row))
    chosen, rejected = row["chosen"], row["rejected"]
    if "prompt" not in row:
        if not isinstance(chosen, list) or not isinstance(rejected, list):
            raise Unusable("no_preference", keys=", ".join(row))
        prompt: Any = messages_of(chosen)[:-1]
        chosen, rejected = messages_of(chosen)[-1:], messages_of(rejected)[-1:]
    else:
        prompt = row["prompt"]
    pair = _pair(number, told(row, prompt), chosen)
    unwanted = _answer(rejected)
    if unwanted == pair.completion:
        raise Unusable("same_answers")
    return [_replace(pair, rejected=unwanted)]


def feedback(number: int, row: dict[str, Any]) -> list[Example]:
    """An answer and whether it was liked (KTO); a preference pair gives one of each."""
    if "chosen" in row and "rejected" in row:
        pair = preferences(number, row)[0]
        return [
            _replace(pair, rejected=None, liked=True),
            _replace(pair, completion=pair.rejected, rejected=None, liked=False),
        ]
    if not {"prompt", "completion", "label"} <= row.keys():
        raise Unusable("no_feedback", keys=", ".join(row))
    liked = verdict(row["label"])
    if liked is None:
        raise Unusable("label", value=row["label"])
    return [_replace(_pair(number, told(row, row["prompt"]), row["completion"]), liked=liked)]


def checkable(number: int, row: dict[str, Any]) -> list[Example]:
    """A prompt and what its answer is checked against (GRPO)."""
    return pairs(number, row)


def questions(number: int, row: dict[str, Any]) -> list[Example]:
    """A prompt with or without an answer (distillation); the answer is blank where the teacher is to give it."""
    try:
        return pairs(number, row)
    except Unusable:
        asked = row.get("prompt") or row.get("instruction") or row.get("question")
        if asked is None and "messages" in row:
            asked = list(messages_of(row["messages"]))
        if asked is None:
            raise
        asked = told(row, asked)
        prompt = messages_of(asked) if isinstance(asked, list) else _filled(asked, "prompt")
        return [Example(row=number, prompt=prompt, completion="")]


def texts(number: int, row: dict[str, Any]) -> list[Example]:
    """Running text for continued pretraining."""
    if "text" not in row:
        raise Unusable("no_text", keys=", ".join(row))
    return [Example(row=number, completion=_filled(row["text"], "text"))]


def messages_of(value: Any) -> tuple[Message, ...]:
    """Turns with role and content, from OpenAI's or ShareGPT's keys."""
    if not isinstance(value, list | tuple) or not value:
        raise Unusable("messages")
    turns = []
    for turn in value:
        if not isinstance(turn, dict):
            raise Unusable("messages")
        name = str(turn.get("role") or turn.get("from"))
        role = OTHER_NAMES.get(name, name)
        if role not in ROLES:
            raise Unusable("role", value=turn.get("role", turn.get("from")))
        turns.append({"role": role, "content": _text(turn.get("content", turn.get("value")))})
    return tuple(turns)


def _turns(number: int, turns: Sequence[Message]) -> list[Example]:
    """One example for each assistant turn, what came before it being the prompt."""
    wanted = [index for index, turn in enumerate(turns) if turn["role"] == "assistant" and index > 0]
    if not wanted:
        raise Unusable("no_assistant")
    return [
        Example(row=number, prompt=tuple(turns[:index]), completion=_filled(turns[index]["content"], "content"))
        for index in wanted
    ]


def _pair(number: int, prompt: Any, completion: Any) -> Example:
    asked = messages_of(prompt) if isinstance(prompt, list | tuple) else _filled(prompt, "prompt")
    return Example(row=number, prompt=asked, completion=_answer(completion))


def _plain(value: Any) -> Any:
    """Numbers are answers too."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _answer(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _filled(messages_of(list(value))[-1]["content"], "content")
    if isinstance(value, dict):
        return _filled(value.get("content"), "content")
    return _filled(value, "completion")


def told(row: dict[str, Any], asked: Any) -> Any:
    """What is asked, after the system text of the row where it has one of its own and no turn says it already."""
    system = next((row[name] for name in SYSTEM if isinstance(row.get(name), str) and row[name].strip()), None)
    if system is None or not asked or not isinstance(asked, str | list | tuple):
        return asked
    turns = [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)
    first = turns[0]
    if isinstance(first, dict) and (first.get("role") or first.get("from")) in ("system", "developer"):
        return asked
    return [{"role": "system", "content": system}, *turns]


def _filled(value: Any, key: str) -> str:
    text = _text(value)
    if not text.strip():
        raise Unusable("blank", key=key)
    return text


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unusable("not_text", found=type(value).__name__)
    return value


def _replace(example: Example, **changes: Any) -> Example:
    import msgspec

    return msgspec.structs.replace(example, **changes)
