"""A chat template taken apart into fixed texts; taken only when the parts give every rendering back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

Turn = dict[str, str]
MARKS = {"system": "System Text ", "user": "User Text ", "assistant": "Answer Text "}
SHAPES = (
    ("user",),
    ("system", "user"),
    ("user", "assistant", "user"),
    ("system", "user", "assistant", "user"),
    ("user", "assistant", "user", "assistant", "user"),
)


class ChatPieces(msgspec.Struct, frozen=True, kw_only=True):
    """The fixed texts of a template: what stands before all turns (with and without a system turn), around each turn,
    and before the answer. `stops` are the texts that end an answer."""

    start: str
    start_without_system: str
    around: dict[str, tuple[str, str]]
    answer: str
    stops: list[str]

    def render(self, turns: Sequence[Turn]) -> str:
        """The prompt that the parts give for a conversation that ends with a user turn."""
        begins = turns[0]["role"] == "system"
        text = self.start if begins else self.start_without_system
        for turn in turns:
            before, after = self.around[turn["role"]]
            text += before + turn["content"] + after
        return text + self.answer


def take_apart(tokenizer: Any) -> ChatPieces | None:
    """The pieces of the tokenizer's chat template; None when it does more than put fixed texts around turns."""
    if not tokenizer.chat_template:
        return None
    try:
        pieces = _pieces(tokenizer)
        right = all(pieces.render(turns) == _rendered(tokenizer, turns) for turns in _conversations(pieces))
    except (ValueError, KeyError, IndexError):
        return None
    except Exception as error:  # a template may raise its own errors for roles that it does not know
        if type(error).__module__.partition(".")[0] == "jinja2":
            return None
        raise
    return pieces if right else None


def _conversations(pieces: ChatPieces) -> list[list[Turn]]:
    return [_turns(shape) for shape in SHAPES if set(shape) <= pieces.around.keys()]


def _turns(shape: Sequence[str], extra: str = "") -> list[Turn]:
    return [{"role": role, "content": f"{MARKS[role]}{extra}{number}"} for number, role in enumerate(shape)]


def _rendered(tokenizer: Any, turns: list[Turn], *, ask: bool = True) -> str:
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=ask))


def _pieces(tokenizer: Any) -> ChatPieces:
    """Cut the renderings at the marks: what follows a closed answer is its end, the rest begins the next turn."""
    talk = _turns(("user", "assistant", "user"))
    first, after_user, between, asking = _cut(_rendered(tokenizer, talk), [turn["content"] for turn in talk])
    *_, answer_after = _cut(_rendered(tokenizer, talk[:2], ask=False), [turn["content"] for turn in talk[:2]])
    *_, user_after = _cut(_rendered(tokenizer, talk, ask=False), [turn["content"] for turn in talk])
    user_before = _without(between, start=answer_after)
    answer_before = _without(after_user, start=user_after)
    around = {"user": (user_before, user_after), "assistant": (answer_before, answer_after)}
    start = _without(first, end=user_before)
    with_system = _system(tokenizer, user_before)
    if with_system is not None:
        around["system"] = with_system
    stops = [text for text in (answer_after.strip(), tokenizer.eos_token) if text]
    return ChatPieces(
        start="" if with_system else start,
        start_without_system=start,
        around=around,
        answer=_without(asking, start=user_after),
        stops=list(dict.fromkeys(stops)),
    )


def _system(tokenizer: Any, user_before: str) -> tuple[str, str] | None:
    """What stands around a system turn; None where the template refuses one."""
    turns = _turns(("system", "user"))
    try:
        before, between, _ = _cut(_rendered(tokenizer, turns), [turn["content"] for turn in turns])
    except Exception as error:
        if type(error).__module__.partition(".")[0] == "jinja2" or isinstance(error, ValueError):
            return None
        raise
    return before, _without(between, end=user_before)


def _without(text: str, *, start: str = "", end: str = "") -> str:
    """The text without a beginning or an end that it must have; ValueError when it has not."""
    if not text.startswith(start) or not text.endswith(end):
        raise ValueError(text)
    return text.removeprefix(start).removesuffix(end)


def _cut(text: str, marks: Sequence[str]) -> list[str]:
    """The texts before, between and after the marks; ValueError when one is missing or out of order."""
    found = []
    for mark in marks:
        before, there, text = text.partition(mark)
        if not there:
            raise ValueError(mark)
        found.append(before)
    return [*found, text]
