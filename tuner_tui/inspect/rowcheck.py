"""A row is usable or the check says why not; every format has one check, a pure function of the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from tuner_tui.inspect.formats import MARKED, QUANTITY
from tuner_tui.inspect.media import media_in
from tuner_tui.inspect.shape import DOCUMENTS, ROLES, Shape
from tuner_tui.liked import verdict

Found = tuple[str, str]
BLANKS = {"prompt": "empty_prompt", "instruction": "empty_prompt", "question": "empty_prompt", "text": "empty_text"}


def check(row: Any, shape: Shape) -> Iterator[Found]:
    """What makes this row unusable: (code, detail), nothing when it is sound. `row` has our field names."""
    if not isinstance(row, dict):
        yield "not_object", type(row).__name__
        return
    for name in shape.texts:
        yield from text(row, name)
    optional = row.get("input") if shape.format == "alpaca" else None
    if optional is not None and not isinstance(optional, str):
        yield "wrong_type", f"input: {type(optional).__name__}"
    media = media_in(row) if shape.kind != DOCUMENTS else ""
    if media:
        yield "not_text", media
    if shape.check:
        yield from CHECKS[shape.check](row)


def text(row: dict[str, Any], name: str) -> Iterator[Found]:
    """The field is there and holds text that is not blank."""
    if name not in row:
        yield "missing_key", name
    elif row[name] is None:
        yield BLANKS.get(name, "empty_output"), name
    elif not isinstance(row[name], str):
        yield "wrong_type", f"{name}: {type(row[name]).__name__}"
    elif not row[name].strip():
        yield BLANKS.get(name, "empty_output"), name


def turns(row: dict[str, Any]) -> Iterator[Found]:
    """A conversation alternates between user and assistant and ends with an answer."""
    value = row.get("messages", row.get("conversations"))
    if value is None:
        yield "missing_key", "messages"
        return
    yield from conversation(value, "messages", must_answer=True)


def unasked(row: dict[str, Any]) -> Iterator[Found]:
    """Messages that wait for an answer."""
    yield from conversation(row.get("messages", row.get("conversations")), "messages", must_answer=False)


def conversation(value: Any, name: str, *, must_answer: bool) -> Iterator[Found]:
    """The turns of one conversation, whichever keys they use."""
    if not isinstance(value, list):
        yield "wrong_type", f"{name}: {type(value).__name__}"
        return
    if not value:
        yield "empty_conversation", name
        return
    before = last = ""
    for turn in value:
        role = _role(turn)
        if role not in ROLES:
            yield "unknown_role", role[:40]
            return
        yield from _content(turn, ROLES[role])
        if (ROLES[role] == before and before in ("user", "assistant")) or (
            before == "" and ROLES[role] in ("assistant", "tool")
        ):
            yield "roles_order", f"{before or '-'} > {ROLES[role]}"
            return
        before = ROLES[role] if ROLES[role] != "system" else before
        last = ROLES[role]
    if must_answer and last != "assistant":
        yield "no_answer", last


@lru_cache(maxsize=4096)
def sound_roles(roles: tuple[str, ...]) -> bool:
    """Whether turns in this order, all filled, make a conversation that ends with an answer."""
    turns = [{"role": role, "content": "text"} for role in roles]
    return next(conversation(turns, "messages", must_answer=True), None) is None


def _role(turn: Any) -> Any:
    if not isinstance(turn, dict):
        return type(turn).__name__
    role = turn.get("role", turn.get("from"))
    return role if isinstance(role, str) else str(role)


def _content(turn: dict[str, Any], role: str) -> Iterator[Found]:
    content = turn.get("content", turn.get("value"))
    if turn.get("tool_calls") or turn.get("function_call"):
        return
    if isinstance(content, list) and all(isinstance(part, dict) for part in content) and content:
        return
    if content is not None and not isinstance(content, str):
        yield "wrong_type", f"content: {type(content).__name__}"
    elif not (content or "").strip() and role not in ("tool", "system"):
        yield "empty_turn" if role != "assistant" else "empty_output", role


def prompt_completion(row: dict[str, Any]) -> Iterator[Found]:
    """Prompt and completion, each text or turns."""
    for name in ("prompt", "completion"):
        yield from _text_or_turns(row, name)


def _text_or_turns(row: dict[str, Any], name: str) -> Iterator[Found]:
    value = row.get(name)
    if not isinstance(value, list):
        yield from text(row, name)
    elif not value:
        yield BLANKS.get(name, "empty_output"), name
    else:
        for turn in value:
            if _role(turn) not in ROLES:
                yield "unknown_role", str(_role(turn))[:40]
                return
            yield from _content(turn, ROLES[_role(turn)])


def preference(row: dict[str, Any]) -> Iterator[Found]:
    """Two different answers to one prompt."""
    if row.get("undecided") is True:
        yield "undecided", ""
        return
    if "prompt" in row:
        yield from _text_or_turns(row, "prompt")
    faults = list(_sides(row, "chosen", "rejected"))
    yield from faults
    if not faults and isinstance(row["chosen"], list) and isinstance(row["rejected"], list):
        yield from _ends(row, "prompt" not in row)


def _ends(row: dict[str, Any], implicit: bool) -> Iterator[Found]:
    """Both conversations end with an answer; where the prompt is their beginning, it is the same question."""
    for name in ("chosen", "rejected"):
        if ROLES[_role(row[name][-1])] != "assistant":
            yield "no_answer", ROLES[_role(row[name][-1])]
            return
    if implicit and _opening(row["chosen"]) != _opening(row["rejected"]):
        yield "prompts_differ", ""


def _opening(value: list[Any]) -> Any:
    """The first thing that the user says."""
    said = (turn.get("content", turn.get("value")) for turn in value if ROLES[_role(turn)] == "user")
    return next(said, None)


def prompts(row: dict[str, Any]) -> Iterator[Found]:
    """A prompt that waits for an answer."""
    yield from _text_or_turns(row, "prompt")


def _sides(row: dict[str, Any], first: str, second: str) -> Iterator[Found]:
    sound = True
    for name in (first, second):
        if row.get(name) in (None, "", []) or (isinstance(row[name], str) and not row[name].strip()):
            yield "one_sided", name
            sound = False
        elif not isinstance(row[name], str | list | dict):
            yield "wrong_type", f"{name}: {type(row[name]).__name__}"
            sound = False
        elif isinstance(row[name], list):
            faults = list(_text_or_turns(row, name))
            yield from faults
            sound = sound and not faults
    if sound and said(row[first]) == said(row[second]):
        yield "same_answers", first


def said(value: Any) -> Any:
    """What is compared of an answer: its text without the blanks around, or its turns."""
    return value.strip() if isinstance(value, str) else value


def openai_preference(row: dict[str, Any]) -> Iterator[Found]:
    """OpenAI's preference rows: messages under `input`, answers under the two outputs."""
    asked = row.get("input")
    messages = asked.get("messages") if isinstance(asked, dict) else None
    if messages is None:
        yield "missing_key", "input.messages"
    else:
        yield from conversation(messages, "input.messages", must_answer=False)
    yield from _sides(row, "preferred_output", "non_preferred_output")


def hh_rlhf(row: dict[str, Any]) -> Iterator[Found]:
    """Two dialogues that share their beginning and end with different answers."""
    faults = list(_sides(row, "chosen", "rejected"))
    yield from faults
    if faults:
        return
    for name in ("chosen", "rejected"):
        if not isinstance(row[name], str):
            yield "wrong_type", f"{name}: {type(row[name]).__name__}"
            return
        _, mark, answer = row[name].rpartition("\n\nAssistant:")
        if not mark or "\n\nHuman:" in answer:
            yield "no_answer", "user"
            return
        if not answer.strip():
            yield "one_sided", name
            return
    if len({row[name].partition("\n\nAssistant:")[0].strip() for name in ("chosen", "rejected")}) > 1:
        yield "prompts_differ", ""


def ultrafeedback(row: dict[str, Any]) -> Iterator[Found]:
    """Several answers with scores: at least two, of which one is better."""
    yield from _text_or_turns(row, "instruction" if "instruction" in row else "prompt")
    answers = row.get("completions")
    if not isinstance(answers, list) or not all(isinstance(answer, dict) for answer in answers):
        yield "wrong_type", f"completions: {type(answers).__name__}"
        return
    replies = [answer.get("response") for answer in answers]
    filled = [reply.strip() for reply in replies if isinstance(reply, str) and reply.strip()]
    if len(filled) < 2:
        yield "one_sided", "completions"
        return
    scores = [answer.get("overall_score", answer.get("score", answer.get("fine-grained_score"))) for answer in answers]
    alike = all(isinstance(score, int | float) for score in scores) and len(set(scores)) == 1
    if alike or len(set(filled)) == 1:
        yield "same_answers", "completions"


def unpaired(row: dict[str, Any]) -> Iterator[Found]:
    """An answer and a verdict that is true or false."""
    yield from prompt_completion(row)
    label = row.get("label")
    if label is None:
        yield "missing_key", "label"
    elif verdict(label) is None:
        yield "bad_label", str(label)[:40]


def checkable(row: dict[str, Any]) -> Iterator[Found]:
    """A question and an answer that can be checked."""
    yield from _text_or_turns(row, "question")
    answer = row.get("answer")
    if answer is None or isinstance(answer, str):
        yield from text(row, "answer")
    elif isinstance(answer, bool | list | dict):
        yield "wrong_type", f"answer: {type(answer).__name__}"


def chosen(row: dict[str, Any]) -> Iterator[Found]:
    """A question with choices and an answer that names one of them."""
    if "odd_choice" in row:
        yield "bad_choice", row["odd_choice"][:40]
    elif "choices" in row and "question" not in row:
        yield "missing_key", "question"
    else:
        yield from checkable(row)


def marked(row: dict[str, Any]) -> Iterator[Found]:
    """A question and reasoning that ends with a final answer set apart, or that answer alone."""
    faults = list(checkable(row))
    yield from faults
    answer = row.get("answer")
    if not faults and isinstance(answer, str) and not (MARKED.search(answer) or QUANTITY.match(answer)):
        yield "no_final_answer", ""


def labelled(row: dict[str, Any]) -> Iterator[Found]:
    """Text and a class name or number."""
    label = row.get("completion")
    if label is None or (isinstance(label, str) and not label.strip()):
        yield "empty_output", "completion"
    elif not isinstance(label, str | int | float):
        yield "wrong_type", f"completion: {type(label).__name__}"


CHECKS: dict[str, Callable[[dict[str, Any]], Iterator[Found]]] = {
    "turns": turns,
    "unasked": unasked,
    "prompt_completion": prompt_completion,
    "preference": preference,
    "openai_preference": openai_preference,
    "hh_rlhf": hh_rlhf,
    "ultrafeedback": ultrafeedback,
    "unpaired": unpaired,
    "checkable": checkable,
    "chosen": chosen,
    "marked": marked,
    "prompts": prompts,
    "labelled": labelled,
}
