"""A format is recognised by its columns and their types, and each format has one kind of data it counts as."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tuner_tui.inspect import reform
from tuner_tui.inspect.named import MISSING, cell
from tuner_tui.inspect.names import ANSWERS, CHOSEN, LABELS, PROMPTS, REJECTED, TEXTS, by_name, squeezed, text_place
from tuner_tui.inspect.shape import (
    DOCUMENTS,
    FEEDBACK,
    INSTRUCTION_PAIRS,
    PREFERENCE_PAIRS,
    ROLES,
    UNKNOWN,
    UNLABELED,
    VERIFIABLE,
    Shape,
)
from tuner_tui.liked import verdict

SYSTEM = ("system", "system_prompt")
"""Columns that hold the system text of a row, as LLaMA-Factory and OpenOrca call them."""
QUANTITY = re.compile(r"\s*[-+]?[$€£₩]?\d[\d,./:-]*\s?[^\s.,!?]{0,10}\s*$")
"""A number, alone or with its unit: `72`, `1,050g`, `35 days`, `2026-10-10`."""
MARKED = re.compile(r"####\s*\S|\\boxed\{")
"""How GSM8K and MATH set the final answer apart from the reasoning."""
NAMED = ("ground_truth", "final_answer", "expected")
CHECKABLE = ("answer", "solution", "ground_truth", "final_answer", "expected", "정답")
TITLES = ("title", "headline", "subject", "제목")
DECISIVE = ("liked", "thumbs", "feedback", "kto_tag", "is_safe", "선호여부")
"""Columns whose 0 or 1 is a verdict."""
SQUAD = ("instruction", "output")
REWARDED = "reward_model.ground_truth"
"""Where verl's rows keep what an answer is checked against."""


def recognise(rows: Sequence[dict[str, Any]], *, table: bool = False) -> Shape:
    """The shape that most of the given rows have; `table` says that they came as cells (CSV)."""
    opinion = _is_opinion(rows)
    shapes: dict[str, Shape] = {}
    votes: Counter[str] = Counter()
    for row in rows:
        shape = shape_of(row, opinion=opinion)
        shapes.setdefault(repr(shape), shape)
        votes[repr(shape)] += 1
    ranked = sorted(votes, key=lambda key: (shapes[key].format != "unknown", votes[key]), reverse=True)
    best = reform.settled(shapes[ranked[0]], rows) if ranked else UNKNOWN
    return msgspec.structs.replace(best, format="table") if best.format == "unknown" and table else best


def shape_of(row: dict[str, Any], *, opinion: bool = True) -> Shape:
    """The shape of one row, most telling columns first; `opinion` says that a label of 0 or 1 may be a verdict."""
    keys = {key for key, value in row.items() if value is not None}
    if is_message(row):
        return UNKNOWN
    for look in (_preferences, _feedback, _chats, _in_cells, _of_other_form, _checkable, _pairs, _texts):
        shape = look(row, keys)
        if shape is not None:
            return shape
    return _by_other_names(row, opinion=opinion) or UNKNOWN


def _in_cells(row: dict[str, Any], keys: set[str]) -> Shape | None:
    """Lists of turns or choices that stand in their cells as text."""
    read = reform.written(row)
    shape = None if read is None else shape_of(read)
    return (
        None if shape is None or shape.kind is None else msgspec.structs.replace(shape, made=("written", *shape.made))
    )


def _of_other_form(row: dict[str, Any], keys: set[str]) -> Shape | None:
    return reform.look(row)


def _preferences(row: dict[str, Any], keys: set[str]) -> Shape | None:
    if {"preferred_output", "non_preferred_output"} <= keys:
        return Shape(format="openai_preference", kind=PREFERENCE_PAIRS, check="openai_preference")
    answers = row.get("completions")
    if isinstance(answers, list) and _all_objects(answers) and keys & {"instruction", "prompt"}:
        return Shape(format="ultrafeedback", kind=PREFERENCE_PAIRS, check="ultrafeedback")
    if not {"chosen", "rejected"} <= keys:
        return None
    if {"score_chosen", "score_rejected"} <= keys or {"chosen_score", "rejected_score"} <= keys:
        return Shape(format="ultrafeedback", kind=PREFERENCE_PAIRS, check="preference")
    if "prompt" in keys:
        return Shape(format="preference", kind=PREFERENCE_PAIRS, check="preference")
    chosen = row["chosen"]
    if isinstance(chosen, str) and ("\n\nHuman:" in chosen or "\n\nAssistant:" in chosen):
        return Shape(format="hh_rlhf", kind=PREFERENCE_PAIRS, check="hh_rlhf")
    other = next((name for name in PROMPTS if name in keys), None)
    if other is None and isinstance(chosen, dict):
        other = next((name for name in ("conversations", "messages") if isinstance(row.get(name), list)), None)
    if other and isinstance(chosen, str | dict):
        columns = {"prompt": other}
        return Shape(format="preference", kind=PREFERENCE_PAIRS, columns=columns, check="preference", guessed=True)
    return Shape(format="preference_implicit", kind=PREFERENCE_PAIRS, check="preference")


def _all_objects(values: list[Any]) -> bool:
    return all(isinstance(value, dict) for value in values)


def _feedback(row: dict[str, Any], keys: set[str]) -> Shape | None:
    if {"prompt", "completion", "label"} <= keys:
        return Shape(format="unpaired", kind=FEEDBACK, check="unpaired")
    return reform.thumbed(row)


def _chats(row: dict[str, Any], keys: set[str]) -> Shape | None:
    for name, form in (("messages", "openai_chat"), ("conversations", "sharegpt"), ("conversation", "sharegpt")):
        turns = row.get(name)
        if not isinstance(turns, list) or not (turns == [] or isinstance(turns[0], dict)):
            continue
        first = turns[0] if turns else {}
        if turns and not _usual(first):
            continue
        form = "sharegpt" if "from" in first else "openai_chat" if "role" in first else form
        only_asked = bool(turns) and {ROLES.get(_role(turn)) for turn in turns} <= {"user", "system"}
        kind = UNLABELED if only_asked else INSTRUCTION_PAIRS
        columns = {} if name != "conversation" else {"conversations": name}
        return Shape(format=form, kind=kind, columns=columns, check="unasked" if only_asked else "turns")
    return None


def _usual(turn: dict[str, Any]) -> bool:
    """Whether a turn has OpenAI's or ShareGPT's keys and a role that goes by a usual name, or one that nobody knows."""
    who, what = turn.get("role", turn.get("from")), {"content", "value", "tool_calls", "function_call"}
    return who is not None and bool(what & turn.keys()) and (who in ROLES or reform.role_of(who) not in ROLES)


def _role(turn: Any) -> str:
    return str(turn.get("role", turn.get("from"))) if isinstance(turn, dict) else ""


def _checkable(row: dict[str, Any], keys: set[str]) -> Shape | None:
    """A question whose answer a program can check: GSM8K's `####`, or a short number or choice."""
    asked = next((name for name in ("question", "prompt", "problem") if name in keys), None)
    if asked is not None and cell(row, REWARDED) is not MISSING:
        columns = {"question": asked, "answer": REWARDED}
        return Shape(format="gsm8k", kind=VERIFIABLE, columns=columns, check="checkable", guessed=True)
    found = [name for name in CHECKABLE if name in keys]
    if asked is None or not found:
        return None
    named = next((name for name in found if name in NAMED), None)
    marked = next((name for name in found if isinstance(row[name], str) and MARKED.search(row[name])), None)
    answer = named or next((name for name in found if _is_short(row[name])), None) or marked
    if "answer" in found and marked == "solution" and named is None:
        answer = "answer" if isinstance(row["answer"], str | int | float) else marked
    if answer is None:
        return None
    columns = {"question": asked, "answer": answer}
    about = reform.context_of(row, asked)
    return Shape(
        format="gsm8k",
        kind=VERIFIABLE,
        columns=columns,
        check="marked" if answer == marked and answer != named else "checkable",
        made=("in_context",) if about is not None else (),
    )


def _is_short(value: Any) -> bool:
    """A number, alone or with its unit."""
    if isinstance(value, str):
        return QUANTITY.match(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pairs(row: dict[str, Any], keys: set[str]) -> Shape | None:
    if "completion" in keys and "prompt" in keys:
        if isinstance(row["prompt"], list) or isinstance(row["completion"], list):
            return Shape(format="prompt_completion", kind=INSTRUCTION_PAIRS, check="prompt_completion")
        return _texts_shape("prompt_completion", {"prompt": "prompt", "completion": "completion"})
    if "instruction" in keys and "output" in row:
        return _texts_shape("alpaca", {"instruction": "instruction", "output": "output"})
    if {"context", "question"} <= keys and isinstance(cell(row, "answers.text"), list):
        columns = {"instruction": "question", "input": "context", "output": "answers.text.0"}
        return Shape(format="alpaca", kind=INSTRUCTION_PAIRS, columns=columns, texts=SQUAD, guessed=True)
    if "instruction" in keys and "response" in row and isinstance(row.get("instruction"), str):
        return _dolly(row)
    return None


def _dolly(row: dict[str, Any]) -> Shape:
    """Alpaca under Dolly's names: what belongs to the question stands under `context`."""
    columns = {"instruction": "instruction", "output": "response"}
    extra = {"input": "context"} if "context" in row and "input" not in row else {}
    shape = _texts_shape("alpaca", columns, guessed=True)
    return msgspec.structs.replace(shape, columns={**columns, **extra})


def _texts_shape(form: str, columns: dict[str, str], *, guessed: bool = False) -> Shape:
    return Shape(format=form, kind=INSTRUCTION_PAIRS, columns=columns, texts=tuple(columns), guessed=guessed)


def is_message(keys: Iterable[str]) -> bool:
    """Whether rows are single messages that name the one they answer (OASST): together they make conversations."""
    return {"role", "text", "parent_id"} <= set(keys)


def _texts(row: dict[str, Any], keys: set[str]) -> Shape | None:
    alone = [
        key for key in keys if isinstance(row[key], str) and key.lower() not in ("id", "url", "source", "title", "lang")
    ]
    if "text" in keys and not keys & set(LABELS) and not keys & set(ANSWERS) & set(alone):
        return Shape(format="text", kind=DOCUMENTS, columns={"text": "text"}, texts=("text",))
    if keys - {"id"} == {"prompt"} and isinstance(row["prompt"], list) and _all_objects(row["prompt"]):
        return Shape(format="table", kind=UNLABELED, columns={"prompt": "prompt"}, check="prompts")
    if len(alone) == 1 and alone[0] in PROMPTS and text_place(row, ANSWERS, alone, lists=True) is None:
        return Shape(format="table", kind=UNLABELED, columns={"prompt": alone[0]}, texts=("prompt",))
    return None


def _by_other_names(row: dict[str, Any], *, opinion: bool) -> Shape | None:
    chosen, rejected = text_place(row, CHOSEN), text_place(row, REJECTED)
    asked = text_place(row, PROMPTS)
    answer = text_place(row, ANSWERS, (asked or "",), lists=True)
    if chosen and rejected and asked:
        columns = {"prompt": asked, "chosen": chosen, "rejected": rejected}
        return Shape(format="preference", kind=PREFERENCE_PAIRS, columns=columns, check="preference", guessed=True)
    label = _label_of(row)
    if asked and answer and label and opinion and label != answer and verdict(row[label]) is not None:
        columns = {"prompt": asked, "completion": answer, "label": label}
        return Shape(format="unpaired", kind=FEEDBACK, columns=columns, check="unpaired", guessed=True)
    if asked and answer and asked.partition(".")[0] != answer.partition(".")[0]:
        return _answered(row, asked, answer)
    return _translated(row) or _classed(row, label, answer)


def _answered(row: dict[str, Any], asked: str, answer: str) -> Shape:
    """A question and its answer, with the text that it is about where there is one."""
    about = reform.context_of(row, asked)
    if about is None or about == answer:
        return _texts_shape("prompt_completion", {"prompt": asked, "completion": answer}, guessed=True)
    columns = {"instruction": asked, "input": about, "output": answer}
    return msgspec.structs.replace(_texts_shape("alpaca", columns, guessed=True), texts=SQUAD)


def _translated(row: dict[str, Any]) -> Shape | None:
    """One text in two languages under one column (OPUS): from the first to the second."""
    both = row.get("translation")
    if not isinstance(both, dict) or len(both) != 2 or not all(isinstance(text, str) for text in both.values()):
        return None
    first, second = (f"translation.{name}" for name in both)
    return _texts_shape("prompt_completion", {"prompt": first, "completion": second}, guessed=True)


def _classed(row: dict[str, Any], label: str | None, answer: str | None) -> Shape | None:
    """A text with a class, or with what was written about it; a text alone is a document."""
    text = text_place(row, TEXTS, (label or "",)) or (text_place(row, TITLES) if label else None)
    said = answer if answer and answer != text else label
    if text and said:
        columns = {"prompt": text, "completion": said}
        shape = _texts_shape("table", columns, guessed=True)
        return msgspec.structs.replace(shape, texts=("prompt",), check="labelled")
    if text:
        return Shape(format="text", kind=DOCUMENTS, columns={"text": text}, texts=("text",), guessed=text != "text")
    return None


def _label_of(row: dict[str, Any]) -> str | None:
    """The column of a class or verdict."""
    columns = by_name(row)
    names = (columns[squeezed(name)] for name in LABELS if squeezed(name) in columns)
    return next((name for name in names if isinstance(row[name], str | int | float)), None)


def _is_opinion(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether labels say yes or no: by their column's name or words, or because 0 and 1 both occur and nothing else."""
    found = [(name, row[name]) for row in rows if (name := _label_of(row)) is not None]
    if any(name in DECISIVE or isinstance(value, bool) for name, value in found):
        return True
    said = {verdict(value) for _, value in found}
    digits = all(str(value).strip().removesuffix(".0").isdecimal() for _, value in found)
    return None not in said and (len(said) == 2 or not digits)
