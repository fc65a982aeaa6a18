"""Rows of other forms are brought into one of ours, step by step; a row that a step does not fit stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from tuner_tui.inspect import choices, contest, turns
from tuner_tui.inspect.named import cell
from tuner_tui.inspect.names import CONTEXTS, by_name, squeezed, text_place
from tuner_tui.inspect.shape import INSTRUCTION_PAIRS, UNKNOWN, VERIFIABLE, Shape

Row = dict[str, Any]

TWO_TEXTS = (
    *(("premise", "hypothesis"), ("sentence1", "sentence2"), ("text1", "text2"), ("question1", "question2")),
    *(("sentence_a", "sentence_b"), ("전제", "가설"), ("문장1", "문장2")),
)
CLASSES = ("label", "labels", "gold_label", "score", "is_duplicate", "라벨", "레이블")
ASKED = ("question", "query", "prompt", "질문")
TAGS = ("ner_tags", "tags", "pos_tags", "ner", "labels", "entities", "chunk_tags")
EMBEDDED = (("anchor", "positive"), ("query", "pos"), ("query", "positive"), ("query", "positive_passages"))


def look(row: Row) -> Shape | None:
    """The shape of a row of another form; None for any other row."""
    looks = (_unsupported, choices.look, contest.look, _two_texts, _yes_no, turns.look)
    return next((shape for each in looks if (shape := each(row)) is not None), None)


def settled(shape: Shape, rows: Iterable[Row]) -> Shape:
    """What only several rows tell of a shape."""
    if shape.made[-1:] != ("choices",):
        return shape
    before = shape.made[:-1]
    found = choices.settled(shape, [made(row, before) for row in rows])
    return msgspec.structs.replace(found, made=(*before, *found.made[-1:]))


def made(row: Row, steps: Sequence[str]) -> Row:
    """The row with what the steps make of it beside its own columns."""
    for step in steps:
        try:
            row = {**row, **STEPS[step](row)}
        except (KeyError, TypeError, IndexError, ValueError, AttributeError, StopIteration):
            return row
    return row


def written(row: Row) -> Row | None:
    """The row with the lists that its cells spell; None where none does."""
    found = turns.written(row)
    return {**row, **found} if found else None


def thumbed(row: Row) -> Shape | None:
    """The shape of a conversation whose last answer was judged; None for any other row."""
    return contest.look_thumbed(row)


def role_of(name: Any) -> str:
    """Our word for a speaker; a name that is not known stays."""
    return turns.role_of(name)


def context_of(row: Row, asked: str) -> str | None:
    """The column with the text that a question is about."""
    columns = by_name(row)
    found = (columns[squeezed(name)] for name in CONTEXTS if squeezed(name) in columns)
    return next((name for name in found if name != asked and isinstance(row[name], str)), None)


def _unsupported(row: Row) -> Shape | None:
    """Tasks whose answers are no text: a tag for each word, or vectors to be learnt."""
    words = row.get("tokens", row.get("words"))
    if isinstance(words, list) and any(isinstance(row.get(name), list) for name in TAGS):
        return Shape(format=UNKNOWN.format, kind=None, task="token_tags")
    if any({first, second} <= row.keys() for first, second in EMBEDDED):
        return Shape(format=UNKNOWN.format, kind=None, task="embedding")
    return None


def _two_texts(row: Row) -> Shape | None:
    if _pair_of(row) is None or _class_of(row) is None:
        return None
    return Shape(format="table", kind=INSTRUCTION_PAIRS, texts=("prompt",), check="labelled", made=("two_texts",))


def _pair_of(row: Row) -> tuple[str, str] | None:
    columns = by_name(row)
    for pair in TWO_TEXTS:
        first, second = (columns.get(squeezed(name)) for name in pair)
        if first and second and isinstance(row[first], str) and isinstance(row[second], str):
            return first, second
    return None


def _class_of(row: Row) -> str | None:
    columns = by_name(row)
    names = (columns[squeezed(name)] for name in CLASSES if squeezed(name) in columns)
    return next((name for name in names if isinstance(row[name], str | int | float)), None)


def two_texts(row: Row) -> Row:
    """Two texts under their names, and how they stand to each other."""
    pair, said = _pair_of(row), _class_of(row)
    if pair is None:
        return {}
    return {"prompt": "\n".join(f"{name}: {row[name]}" for name in pair), "completion": row[said] if said else None}


def _yes_no(row: Row) -> Shape | None:
    if text_place(row, ASKED) is None or not isinstance(row.get("answer"), bool):
        return None
    return Shape(format="gsm8k", kind=VERIFIABLE, check="checkable", made=("yes_no", "in_context"))


def yes_no(row: Row) -> Row:
    """A question and yes or no."""
    place = text_place(row, ASKED)
    answer = {True: "yes", False: "no"}.get(row.get("answer", ""))
    return {"question": cell(row, place) if place else None, **({"answer": answer} if answer else {})}


def in_context(row: Row) -> Row:
    """The text that a question is about comes before it."""
    about = context_of(row, "question")
    both = about is not None and isinstance(row.get("question"), str)
    return {"question": f"{row[str(about)]}\n\n{row['question']}"} if both else {}


STEPS: dict[str, Callable[[Row], Row]] = {
    **turns.STEPS,
    **contest.STEPS,
    **choices.STEPS,
    "two_texts": two_texts,
    "yes_no": yes_no,
    "in_context": in_context,
}
