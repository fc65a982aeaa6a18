"""A question with choices becomes one question that shows them and one letter that a program can check.

The choices are a list or object (MMLU, ARC, CommonsenseQA, AQuA, RACE, HellaSwag) or columns (KMMLU, MedMCQA, PIQA,
COPA, Winogrande, SWAG); the answer is a letter, a number or the text of a choice. Whether numbers count from 0 or 1 is
read from the first rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tuner_tui.inspect.named import cell
from tuner_tui.inspect.names import CONTEXTS, by_name, squeezed, text_place
from tuner_tui.inspect.shape import VERIFIABLE, Shape

Row = dict[str, Any]

LISTS = ("choices", "options", "endings", "answers", "candidates", "보기", "선택지")
COLUMNS = (
    *(("A", "B", "C", "D", "E", "F"), ("opa", "opb", "opc", "opd"), ("sol1", "sol2"), ("1", "2", "3", "4", "5")),
    *(tuple(f"{stem}{at}" for at in range(begin, begin + 5))
      for stem in ("choice", "option", "alternative", "ending", "answer", "보기", "선택지") for begin in (0, 1)),
    *(tuple(f"{stem}{letter}" for letter in "abcde") for stem in ("option", "choice")),
)  # fmt: skip
KEYS = (
    *("answer_key", "answer_idx", "answer", "correct_answer", "correct", "correct_option", "label", "gold", "cop"),
    *("solution", "target", "정답", "답"),
)
ASKED = ("question", "query", "prompt", "problem", "input", "goal", "sentence", "ctx", "질문", "문제")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LEADING = re.compile(r"\s*[(\[]?([A-Za-z]|\d{1,2})\s*[).:\]]\s*")


def look(row: Row) -> Shape | None:
    """The shape of a question with choices and an answer to it; None for any other row."""
    found = choices_of(row)
    if len(found) < 2 or _question(row) is None or _key(row) is None:
        return None
    return Shape(format="gsm8k", kind=VERIFIABLE, check="chosen", made=("choices",))


def settled(shape: Shape, rows: Iterable[Row]) -> Shape:
    """The same shape, its numbers counted from 1 where the rows say so: the last number is used and 0 never is."""
    counted = [(number, len(choices_of(row))) for row in rows if (number := _number(row)) is not None]
    if not counted or any(number == 0 for number, _ in counted):
        return shape
    from_1 = any(number == count for number, count in counted)
    return Shape(format=shape.format, kind=shape.kind, check=shape.check, made=("choices_from_1",)) if from_1 else shape


def _number(row: Row) -> int | None:
    key = _key(row)
    if isinstance(key, bool):
        return None
    if isinstance(key, str) and key.strip().isdecimal() and key.strip() not in _labels(row):
        return int(key)
    return key if isinstance(key, int) else None


def choices_of(row: Row) -> list[str]:
    """The texts of the choices; none where the row has none."""
    value = _listed(row)
    if isinstance(value, dict):
        value = value["text"] if isinstance(value.get("text"), list) else list(value.values())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = [each.get("text") if isinstance(each, dict) else None for each in value]
    if isinstance(value, list) and len(value) > 1:
        return list(map(_bare, value)) if all(isinstance(each, str) for each in value) else []
    return _from_columns(row)


def _listed(row: Row) -> Any:
    columns = by_name(row)
    found = next((row[columns[name]] for name in LISTS if name in columns), None)
    if found is None and isinstance(row.get("question"), dict):
        found = row["question"].get("choices")
    return found


def _bare(text: str) -> str:
    """A choice without the letter that it begins with."""
    return LEADING.sub("", text, count=1) if LEADING.match(text) else text


def _from_columns(row: Row) -> list[str]:
    columns = by_name(row)
    for names in COLUMNS:
        found = [columns.get(squeezed(name)) for name in names]
        filled = found[: found.index(None)] if None in found else found
        if len(filled) > 1 and all(isinstance(row[str(name)], str | int | float) for name in filled):
            return [str(row[str(name)]) for name in filled]
    return []


def _labels(row: Row) -> list[str]:
    """What the row itself calls its choices."""
    value = _listed(row)
    if isinstance(value, dict):
        return [str(label) for label in (value["label"] if isinstance(value.get("label"), list) else value)]
    if isinstance(value, list) and value and all(isinstance(each, dict) and "label" in each for each in value):
        return [str(each["label"]) for each in value]
    return []


def _key(row: Row) -> Any:
    columns = by_name(row)
    found = (row[columns[squeezed(name)]] for name in KEYS if squeezed(name) in columns)
    return next((value for value in found if isinstance(value, str | int) and not isinstance(value, bool)), None)


def _question(row: Row) -> str | None:
    asked = text_place(row, ASKED)
    return None if asked is None else str(cell(row, asked))


def chosen(row: Row, count_from: int) -> int | None:
    """Which choice (from 0) the answer names; None when it names none."""
    key, texts = _key(row), choices_of(row)
    said = str(key).strip()
    labels = _labels(row)
    if said in labels:
        return labels.index(said)
    if isinstance(key, str) and said in texts:
        return texts.index(said)
    if said.lstrip("-").isdecimal():
        place = int(said) - count_from
        return place if 0 <= place < len(texts) else None
    letter = LEADING.fullmatch(said + ")") or LEADING.match(said)
    at = LETTERS.find(letter.group(1).upper()) if letter else -1
    return at if 0 <= at < len(texts) else None


def made(row: Row, count_from: int) -> Row:
    """What is asked with lettered choices, and the letter; `odd_choice` is an answer that names none."""
    texts, asked = choices_of(row), _question(row)
    if asked is None or len(texts) < 2:
        return {}
    about = [row[name] for name in CONTEXTS if isinstance(row.get(name), str) and row[name] != asked]
    shown = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, texts, strict=False))
    place = chosen(row, count_from)
    answer = {"odd_choice": str(_key(row))} if place is None else {"answer": LETTERS[place]}
    return {"question": "\n\n".join([*about[:1], asked, shown]), **answer}


STEPS = {
    "choices": lambda row: made(row, 0),
    "choices_from_1": lambda row: made(row, 1),
}
