"""A format is recognised by its columns and their types, and each format has one kind of data it counts as."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from tuner_tui.inspect.named import MISSING, cell

INSTRUCTION_PAIRS, PREFERENCE_PAIRS, FEEDBACK = "instruction_pairs", "preference_pairs", "binary_feedback"
VERIFIABLE, UNLABELED, DOCUMENTS = "verifiable_rewards", "unlabeled_inputs", "documents"

PROMPTS = [
    "prompt",
    "instruction",
    "question",
    "query",
    "input",
    "user",
    "problem",
    "context",
    "human",
    "source",
    "request",
    "q",
    "질문",
    "지시",
    "지시문",
    "명령",
    "명령어",
    "입력",
    "문제",
    "프롬프트",
    "요청",
]
ANSWERS = [
    "completion",
    "output",
    "response",
    "answer",
    "reply",
    "target",
    "assistant",
    "solution",
    "bot",
    "summary",
    "highlights",
    "translation",
    "label",
    "a",
    "답변",
    "응답",
    "출력",
    "대답",
    "정답",
    "답",
    "결과",
    "라벨",
]
CHOSEN = [
    "chosen",
    "preferred",
    "accepted",
    "better",
    "chosen_response",
    "response_chosen",
    "answer_chosen",
    "win",
    "선호",
    "선택",
]
REJECTED = [
    "rejected",
    "dispreferred",
    "worse",
    "rejected_response",
    "response_rejected",
    "answer_rejected",
    "lose",
    "비선호",
    "거절",
]
TEXTS = [
    *("text", "content", "body", "document", "passage", "article", "dialogue", "review", "sentence", "comment"),
    *("utterance", "본문", "내용", "텍스트", "글", "리뷰", "문장"),
]
LABELS = (
    *("label", "labels", "liked", "thumbs", "feedback", "rating", "sentiment", "intent"),
    *("선호여부", "평가", "감정"),
)
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
ROLES |= {"human": "user", "gpt": "assistant", "function": "tool", "observation": "tool", "function_call": "assistant"}
ROLES |= dict.fromkeys(("chatgpt", "bing", "bard", "model", "bot"), "assistant")
"""What turns are called, in OpenAI's, ShareGPT's and Gemma's rows, and what they are."""
SYSTEM = ("system", "system_prompt")
"""Columns that hold the system text of a row, as LLaMA-Factory and OpenOrca call them."""
YES = frozenset(
    ["true", "yes", "y", "t", "1", "1.0", "good", "up", "like", "liked", "positive", "예", "네", "참", "좋음"]
)
NO = frozenset(
    ["false", "no", "n", "f", "0", "0.0", "bad", "down", "dislike", "disliked", "negative", "아니오", "거짓", "나쁨"]
)
QUANTITY = re.compile(r"\s*[-+]?[$€£₩]?\d[\d,./:-]*\s?[^\s.,!?]{0,10}\s*$")
"""A number, alone or with its unit: `72`, `1,050g`, `35 days`, `2026-10-10`."""
MARKED = re.compile(r"####\s*\S|\\boxed\{")
"""How GSM8K and MATH set the final answer apart from the reasoning."""
CHECKABLE = ("answer", "solution", "ground_truth", "final_answer", "expected", "정답")
SQUAD = ("instruction", "output")
REWARDED = "reward_model.ground_truth"
"""Where verl's rows keep what an answer is checked against."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A recognised format. `columns` is our field -> the column that holds it; `guessed` when names were matched.

    `texts` are fields that must hold text that is not blank; `check` names the further check of each row.
    """

    format: str
    kind: str | None
    columns: dict[str, str] = {}
    texts: tuple[str, ...] = ()
    check: str | None = None
    guessed: bool = False


UNKNOWN = Shape(format="unknown", kind=None)


def recognise(rows: Iterable[dict[str, Any]], *, table: bool = False) -> Shape:
    """The shape that most of the given rows have; `table` says that they came as cells (CSV)."""
    shapes: dict[str, Shape] = {}
    votes: Counter[str] = Counter()
    for row in rows:
        shape = shape_of(row)
        shapes.setdefault(repr(shape), shape)
        votes[repr(shape)] += 1
    ranked = sorted(votes, key=lambda key: (shapes[key].format != "unknown", votes[key]), reverse=True)
    best = shapes[ranked[0]] if ranked else UNKNOWN
    return msgspec.structs.replace(best, format="table") if best.format == "unknown" and table else best


def shape_of(row: dict[str, Any]) -> Shape:
    """The shape of one row, most telling columns first."""
    keys = {key for key, value in row.items() if value is not None}
    if is_message(row):
        return UNKNOWN
    for look in (_preferences, _feedback, _chats, _checkable, _pairs, _texts):
        shape = look(row, keys)
        if shape is not None:
            return shape
    return _by_other_names(row, keys) or UNKNOWN


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
    return None


def _chats(row: dict[str, Any], keys: set[str]) -> Shape | None:
    for name, form in (("messages", "openai_chat"), ("conversations", "sharegpt"), ("conversation", "sharegpt")):
        turns = row.get(name)
        if not isinstance(turns, list) or not (turns == [] or isinstance(turns[0], dict)):
            continue
        first = turns[0] if turns else {}
        form = "sharegpt" if "from" in first else "openai_chat" if "role" in first else form
        only_asked = bool(turns) and {ROLES.get(_role(turn)) for turn in turns} <= {"user", "system"}
        kind = UNLABELED if only_asked else INSTRUCTION_PAIRS
        columns = {} if name != "conversation" else {"conversations": name}
        return Shape(format=form, kind=kind, columns=columns, check="unasked" if only_asked else "turns")
    return None


def _role(turn: Any) -> str:
    return str(turn.get("role", turn.get("from"))) if isinstance(turn, dict) else ""


def _checkable(row: dict[str, Any], keys: set[str]) -> Shape | None:
    """A question whose answer a program can check: GSM8K's `####`, or a short number or choice."""
    asked = next((name for name in ("question", "prompt", "problem") if name in keys), None)
    if asked is not None and cell(row, REWARDED) is not MISSING:
        columns = {"question": asked, "answer": REWARDED}
        return Shape(format="gsm8k", kind=VERIFIABLE, columns=columns, check="checkable", guessed=True)
    answer = next((name for name in CHECKABLE if name in keys), None)
    if asked is None or answer is None:
        return None
    value = row[answer]
    short = isinstance(value, str) and QUANTITY.match(value) is not None
    marked = isinstance(value, str) and MARKED.search(value) is not None
    named = answer in ("ground_truth", "final_answer", "expected")
    if not (marked or short or named or (isinstance(value, int | float) and not isinstance(value, bool))):
        return None
    check = "marked" if marked and not named else "checkable"
    return Shape(format="gsm8k", kind=VERIFIABLE, columns={"question": asked, "answer": answer}, check=check)


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
    if len(alone) == 1 and alone[0] in PROMPTS:
        return Shape(format="table", kind=UNLABELED, columns={"prompt": alone[0]}, texts=("prompt",))
    return None


def _by_other_names(row: dict[str, Any], keys: set[str]) -> Shape | None:
    lower = {key.lower().strip(): key for key in keys}
    chosen, rejected = _first(CHOSEN, lower), _first(REJECTED, lower)
    asked, answer = _first(PROMPTS, lower), _first(ANSWERS, lower)
    if chosen and rejected and asked:
        columns = {"prompt": asked, "chosen": chosen, "rejected": rejected}
        return Shape(format="preference", kind=PREFERENCE_PAIRS, columns=columns, check="preference", guessed=True)
    label = _first(LABELS, lower)
    if asked and answer and label and label != answer and verdict(row[label]) is not None:
        columns = {"prompt": asked, "completion": answer, "label": label}
        return Shape(format="unpaired", kind=FEEDBACK, columns=columns, check="unpaired", guessed=True)
    if asked and answer and asked != answer:
        return _texts_shape("prompt_completion", {"prompt": asked, "completion": answer}, guessed=True)
    text = _first(TEXTS, lower)
    if text and (answer or label):
        columns = {"prompt": text, "completion": str(answer or label)}
        return msgspec.structs.replace(
            _texts_shape("table", columns, guessed=True), texts=("prompt",), check="labelled"
        )
    if text:
        return Shape(format="text", kind=DOCUMENTS, columns={"text": text}, texts=("text",), guessed=text != "text")
    return None


def verdict(value: Any) -> bool | None:
    """Whether a label says yes or no, however it is written; None when it says neither."""
    if isinstance(value, str):
        word = value.strip().casefold()
        return True if word in YES else False if word in NO else None
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def _first(names: Iterable[str], lower: dict[str, str]) -> str | None:
    return next((lower[name] for name in names if name in lower), None)
