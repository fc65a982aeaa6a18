"""Conversations in other forms become turns of role and content; who speaks is read from the row, never invented.

Known are lists of texts in turn (LIMA, UltraChat), lists of question-and-answer objects (Capybara), turns under other
keys (Gemini, Cohere, chat logs), reply trees (OASST), earlier turns beside the question (`history`), marked text
(Guanaco, Vicuna, ChatML, Llama), turns written as JSON or Python text in a cell, and calls beside a query (xLAM).
"""

from __future__ import annotations

import ast
import re
from typing import Any

import msgspec

from tuner_tui.inspect.named import cell
from tuner_tui.inspect.names import text_place
from tuner_tui.inspect.shape import INSTRUCTION_PAIRS, ROLES, Shape

Row = dict[str, Any]
Turns = list[dict[str, Any]]

LISTS = (
    *("messages", "conversations", "conversation", "contents", "data", "items", "dialog", "dialogue", "dialogs"),
    *("turns", "utterances", "chat", "대화"),
)
WHO = ("role", "from", "speaker", "author", "sender")
WHAT = ("content", "value", "text", "message", "parts", "utterance", "body")
OTHER_ROLES = dict.fromkeys(("prompter", "customer", "client", "사용자", "고객", "손님", "질문자"), "user")
OTHER_ROLES |= dict.fromkeys(
    ("chatbot", "ai", "agent", "claude", "llm", "어시스턴트", "챗봇", "상담사", "상담원", "답변자"), "assistant"
)
ASKED = ("input", "instruction", "question", "prompt", "user", "human", "query", "q", "질문")
SAID = ("output", "response", "answer", "completion", "assistant", "bot", "gpt", "a", "답변")
MARKED = ("text", "chat", "conversation", "dialogue", "prompt", "input")
MARKS = (
    re.compile(r"###\s*(Human|User|Assistant|System|Instruction|Response)\s*:\s*"),
    re.compile(r"\[\|(Human|AI)\|\]\s*"),
    re.compile(r"<\|im_start\|>\s*(system|user|assistant)\s*\n"),
    re.compile(r"<\|start_header_id\|>(system|user|assistant)<\|end_header_id\|>\s*"),
    re.compile(r"<start_of_turn>(user|model)\s*\n"),
    re.compile(r"<\|(system|user|assistant)\|>\s*"),
    re.compile(r"(?:^|\n)\s*(SYSTEM|USER|ASSISTANT|System|User|Human|Assistant)\s*:\s*"),
)
"""How turns are marked in text: Guanaco and Alpaca, Baize, ChatML, Llama 3, Gemma, Zephyr, Vicuna and HH-RLHF."""
LLAMA = re.compile(r"\[INST\](.*?)\[/INST\](.*?)(?=(?:<s>\s*)?\[INST\]|\Z)", re.DOTALL)
ENDS = re.compile(
    r"(?:\s|<s>|</s>|<bos>|<\|(?:endoftext|im_end|eot_id|begin_of_text|end|end_of_text)\|>|<end_of_turn>)+\Z"
)
BEGINS = re.compile(r"\A(?:\s|<s>|<bos>|<\|begin_of_text\|>)+")
HEAD, WRITTEN_MOST = 400, 1 << 20


def look(row: Row) -> Shape | None:
    """The shape of a conversation in another form; None for any other row."""
    for step, test in TESTS.items():
        if test(row):
            form = "sharegpt" if step in ("alternating", "paired") else "openai_chat"
            return Shape(format=form, kind=INSTRUCTION_PAIRS, check="turns", made=(step,))
    return None


def _lists(row: Row) -> list[Any]:
    """The lists that may hold a conversation."""
    return next((row[name] for name in LISTS if isinstance(row.get(name), list) and row[name]), [])


# -- lists of texts in turn ------------------------------------------------------------------------------------


def _alternates(row: Row) -> bool:
    turns = _lists(row)
    return len(turns) > 1 and all(isinstance(turn, str) for turn in turns)


def alternating(row: Row) -> Row:
    """Texts of user and assistant in turn, the user first."""
    return {"messages": [_turn(("user", "assistant")[at % 2], text) for at, text in enumerate(_lists(row))]}


# -- lists of question and answer ------------------------------------------------------------------------------


def _is_paired(row: Row) -> bool:
    turns = _lists(row)
    return bool(turns) and all(_two(turn) is not None for turn in turns[:3])


def _two(turn: Any) -> tuple[Any, Any] | None:
    """Question and answer of one round."""
    if isinstance(turn, list) and len(turn) == 2:
        return turn[0], turn[1]
    if not isinstance(turn, dict) or set(turn) & set(WHO):
        return None
    asked = next((turn[name] for name in ASKED if name in turn), None)
    said = next((turn[name] for name in SAID if name in turn), None)
    return None if asked is None or said is None else (asked, said)


def paired(row: Row) -> Row:
    """Rounds of a question and its answer."""
    return {"messages": _rounds(_lists(row))}


def _rounds(rounds: list[Any]) -> Turns:
    turns: Turns = []
    for found in map(_two, rounds):
        asked, said = found or (None, None)
        turns += [_turn("user", asked), _turn("assistant", said)]
    return turns


# -- turns under other keys ------------------------------------------------------------------------------------


def _is_named(row: Row) -> bool:
    turns = _lists(row)
    first = turns[0] if turns and isinstance(turns[0], dict) else {}
    return len(turns) > 1 and bool(set(first) & set(WHO)) and bool(set(first) & set(WHAT))


def named_turns(row: Row) -> Row:
    """Turns whose speaker and words stand under other keys, or whose roles go by other names."""
    turns = [_renamed(turn) for turn in _lists(row)]
    told = row.get("systemInstruction") or row.get("system_instruction")
    parts = _words(told.get("parts")) if isinstance(told, dict) else None
    return {"messages": [_turn("system", parts), *turns] if isinstance(parts, str) else turns}


def _renamed(turn: Any) -> Any:
    if not isinstance(turn, dict):
        return turn
    who = next((turn[name] for name in WHO if name in turn), None)
    what = next((turn[name] for name in WHAT if turn.get(name) is not None), None)
    return {**turn, "role": role_of(who), "content": _words(what)}


def role_of(name: Any) -> str:
    """Our word for a speaker; a name that is not known stays."""
    known = {**ROLES, **OTHER_ROLES}
    return known.get(str(name), known.get(str(name).casefold(), str(name)))


def _words(value: Any) -> Any:
    """Gemini's parts are objects with a text, joined here; others stay as they are."""
    if isinstance(value, list) and value and all(isinstance(part, dict) and set(part) == {"text"} for part in value):
        return "\n".join(str(part["text"]) for part in value)
    return value


# -- reply trees -----------------------------------------------------------------------------------------------


def _is_tree(row: Row) -> bool:
    root = row.get("prompt", row)
    return isinstance(root, dict) and isinstance(root.get("replies"), list) and "text" in root


def tree(row: Row) -> Row:
    """From the first message the best reply (lowest rank, else the first) each time; a question at the end falls."""
    turns: Turns = []
    node = row.get("prompt", row)
    while isinstance(node, dict):
        turns.append(_turn(role_of(node.get("role", ("user", "assistant")[len(turns) % 2])), node.get("text")))
        replies = [reply for reply in node.get("replies") or () if isinstance(reply, dict)]
        node = min(replies, key=_rank, default=None)
    while len(turns) > 1 and turns[-1]["role"] != "assistant":
        turns.pop()
    return {"messages": turns}


def _rank(reply: Row) -> float:
    rank = reply.get("rank")
    return float(rank) if isinstance(rank, int | float) else 1e9


# -- earlier turns beside the question -------------------------------------------------------------------------


def _has_history(row: Row) -> bool:
    return isinstance(row.get("history"), list) and None not in _last(row)


def _last(row: Row) -> tuple[str | None, str | None]:
    return text_place(row, ("instruction", "query", "prompt", "question")), text_place(row, ("output", "response"))


def history(row: Row) -> Row:
    """Earlier rounds (pairs, or turns) and the last one; what stands under `input` belongs to the question."""
    asked, said = (cell(row, place) if place else None for place in _last(row))
    extra = row.get("input")
    asked = f"{asked}\n\n{extra}" if isinstance(extra, str) and extra else asked
    earlier = row["history"]
    before = list(map(_renamed, earlier)) if earlier and isinstance(earlier[0], dict) else _rounds(earlier)
    return {"messages": [*before, _turn("user", asked), _turn("assistant", said)]}


# -- marked text -----------------------------------------------------------------------------------------------


def _is_marked(row: Row) -> bool:
    texts = [name for name, value in row.items() if isinstance(value, str) and len(value) > HEAD // 20]
    name = next((name for name in MARKED if isinstance(row.get(name), str)), None)
    if name is None or len(texts) > 3 or (name in ("prompt", "input") and len(texts) > 1):
        return False
    turns = turns_in(row[name])
    return len(turns) > 1 and turns[-1]["role"] == "assistant" and {"user", "assistant"} <= {t["role"] for t in turns}


def marked_text(row: Row) -> Row:
    """Turns that stand in one text, each after its mark."""
    return {"messages": turns_in(next(row[name] for name in MARKED if isinstance(row.get(name), str)))}


def turns_in(text: str) -> Turns:
    """The turns of a text that begins (after a preamble of HEAD characters at most) with a mark; else none."""
    text = BEGINS.sub("", text)
    if text.startswith("[INST]"):
        return _rounds([[asked.strip(), _bare(said)] for asked, said in LLAMA.findall(text)])
    for mark in MARKS:
        found = list(mark.finditer(text))
        if found and found[0].start() <= (HEAD if mark in MARKS[:2] else 0):
            return _cut(text, found)
    return []


def _cut(text: str, found: list[re.Match[str]]) -> Turns:
    names = {"instruction": "user", "response": "assistant"}
    ends = [match.start() for match in found[1:]] + [len(text)]
    turns = [
        _turn(names.get(match.group(1).casefold(), role_of(match.group(1).casefold())), _bare(text[match.end() : end]))
        for match, end in zip(found, ends, strict=True)
    ]
    if not turns[-1]["content"]:
        turns.pop()
    before = _bare(text[: found[0].start()])
    return [_turn("system", before), *turns] if before else turns


def _bare(text: str) -> str:
    return ENDS.sub("", BEGINS.sub("", text)).strip()


# -- turns written into a cell ---------------------------------------------------------------------------------

WRITTEN = (
    "messages",
    "conversations",
    "conversation",
    "prompt",
    "completion",
    "chosen",
    "rejected",
    "choices",
    "options",
)


def _is_written(row: Row) -> bool:
    return any(read_list(row.get(name)) is not None for name in WRITTEN)


def written(row: Row) -> Row:
    """Lists that stand in their cells as text, as a table must hold them."""
    found = {name: read_list(row.get(name)) for name in WRITTEN}
    return {name: value for name, value in found.items() if value is not None}


def read_list(value: Any) -> list[Any] | None:
    """The list of turns or choices that a text spells in JSON or Python; None for any other value."""
    if not isinstance(value, str) or value[:1] != "[" or value.rstrip()[-1:] != "]" or len(value) > WRITTEN_MOST:
        return None
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        try:
            found = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    whole = isinstance(found, list) and found and (_are_turns(found) or len(set(map(type, found))) == 1)
    return found if whole and isinstance(found[0], dict | str) else None


def _are_turns(value: list[Any]) -> bool:
    return all(isinstance(turn, dict) and set(turn) & set(WHO) for turn in value)


# -- calls beside a query --------------------------------------------------------------------------------------


def _calls(row: Row) -> bool:
    return "tools" in row and isinstance(row.get("query"), str) and isinstance(_listed(row.get("answers")), list)


def calls(row: Row) -> Row:
    """A query whose answer are calls of the tools beside it."""
    found = [
        {"type": "function", "function": {**call, "arguments": _text(call.get("arguments"))}}
        for call in _listed(row["answers"])
        if isinstance(call, dict)
    ]
    said = {"role": "assistant", "content": None, "tool_calls": found}
    return {"messages": [_turn("user", row["query"]), said], "tools": _listed(row["tools"])}


def _listed(value: Any) -> Any:
    try:
        return msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, RecursionError):
        return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


TESTS = {
    "calls": _calls,
    "alternating": _alternates,
    "paired": _is_paired,
    "named_turns": _is_named,
    "tree": _is_tree,
    "history": _has_history,
    "marked_text": _is_marked,
}
STEPS = {
    "calls": calls,
    "alternating": alternating,
    "paired": paired,
    "named_turns": named_turns,
    "tree": tree,
    "history": history,
    "marked_text": marked_text,
    "written": written,
}
