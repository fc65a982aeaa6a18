"""Two or more answers with a verdict become a pair; which side won is read from the row, and a tie is no pair.

Known are two columns that differ by a last letter or number (SHP, WebGPT, PKU-SafeRLHF, HelpSteer3, Chatbot Arena) or
a list of two (TL;DR), with scores, a winner, an index or a signed verdict beside them; lists of answers with ranks or
scores (Nectar, Stack Exchange); and a conversation with a thumb (LLaMA-Factory's KTO).
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from tuner_tui.inspect.named import cell
from tuner_tui.inspect.names import PROMPTS, text_place
from tuner_tui.inspect.shape import FEEDBACK, PREFERENCE_PAIRS, Shape
from tuner_tui.inspect.turns import turns_in

Row = dict[str, Any]

SIDE = re.compile(r"(.*?)[\s_-]?([ab]|[012])$", re.IGNORECASE)
ANSWERING = re.compile(
    r"(?:human_ref|answer|response|output|completion|conversation|reply|summary|답변|응답|대답)s?$", re.IGNORECASE
)
SECOND = {"b": "a", "B": "A", "1": "0", "2": "1"}
WINNER = (
    "winner",
    "choice",
    "preference",
    "preferred",
    "better_response_id",
    "better",
    "label",
    "labels",
    "선호",
    "선택",
)
SIGNED = ("overall_preference", "preference_strength")
SCORE = ("score", "overall_score", "rating", "pm_score", "votes", "upvotes")
TEXT = ("answer", "response", "text", "output", "content", "completion", "body")
TIES = frozenset(["tie", "ties", "tie (bothbad)", "both", "bothbad", "equal", "무승부", "같음"])


class Sides(NamedTuple):
    """Two answers, the marks of their columns (`a` and `b`, `0` and `1`, `1` and `2`), scores where there are any."""

    first: Any
    second: Any
    marks: tuple[str, str]
    scores: tuple[Any, Any] | None


def look(row: Row) -> Shape | None:
    """The shape of a row with answers and a verdict; None for any other row."""
    if _ranked(row) and _asked(row) is not None:
        return Shape(format="ultrafeedback", kind=PREFERENCE_PAIRS, check="ultrafeedback", made=("ranked",))
    sides = sides_of(row)
    if sides is None or preferred(row, sides) is None or (_asked(row) is None and not _talks(sides)):
        return None
    form = "preference_implicit" if _asked(row) is None else "preference"
    return Shape(format=form, kind=PREFERENCE_PAIRS, check="preference", made=("contest",))


def look_thumbed(row: Row) -> Shape | None:
    """The shape of a conversation whose last answer was judged; None for any other row."""
    if isinstance(row.get("kto_tag"), bool) and isinstance(row.get("conversations"), list):
        return Shape(format="unpaired", kind=FEEDBACK, check="unpaired", made=("thumbed",))
    return None


def sides_of(row: Row) -> Sides | None:
    """The two answers of a row."""
    listed = row.get("summaries")
    if isinstance(listed, list) and len(listed) == 2 and all(isinstance(each, dict) for each in listed):
        return Sides(listed[0].get("text"), listed[1].get("text"), ("0", "1"), None)
    for name in row:
        found = SIDE.match(name)
        if found is None or found[2] not in SECOND or not ANSWERING.match(found[1]):
            continue
        first = name[: -len(found[2])] + SECOND[found[2]]
        if isinstance(row.get(first), str | list) and isinstance(row[name], str | list):
            return Sides(row[first], row[name], (SECOND[found[2]], found[2]), _scores(row, SECOND[found[2]], found[2]))
    return None


def _scores(row: Row, first: str, second: str) -> tuple[Any, Any] | None:
    for name in SCORE:
        pair = row.get(f"{name}_{first}"), row.get(f"{name}_{second}")
        if all(isinstance(score, int | float) for score in pair):
            return pair
    return None


def preferred(row: Row, sides: Sides) -> int | None:
    """0 when the first side won, 1 when the second did, -1 when neither; None when the row does not say."""
    if sides.scores is not None:
        first, second = sides.scores
        return -1 if first == second else int(second > first)
    for name in SIGNED:
        if isinstance(row.get(name), int | float):
            return -1 if row[name] == 0 else int(row[name] > 0)
    said = next((row[name] for name in WINNER if row.get(name) is not None), None)
    return None if said is None else _named_side(str(said).strip(), sides.marks)


def _named_side(said: str, marks: tuple[str, str]) -> int | None:
    """`0`, `model_a`, `response_1`, `B`: the side that ends so; the whole numbers 0 and 1 count the sides."""
    if said.casefold() in TIES or said.casefold().startswith("tie"):
        return -1
    for at, mark in enumerate(marks):
        if re.fullmatch(rf"(?:.*[\s_-])?{mark}", said, re.IGNORECASE):
            return at
    return int(said) if said in ("0", "1") and not set(marks) & {"1", "2"} else None


def contest(row: Row) -> Row:
    """Prompt, chosen and rejected; both None for a tie."""
    sides = sides_of(row)
    won = preferred(row, sides) if sides is not None else None
    if sides is None or won is None:
        return {}
    asked = _asked(row)
    prompt = {} if asked is None else {"prompt": asked}
    if won < 0:
        return {**prompt, "undecided": True}
    chosen, rejected = (sides.first, sides.second) if won == 0 else (sides.second, sides.first)
    return {**prompt, "chosen": chosen, "rejected": rejected}


def _asked(row: Row) -> Any:
    """The question: a text, marked turns, or a list of turns."""
    for name in ("context", "prompt", "history", "messages"):
        if isinstance(row.get(name), list) and row[name] and isinstance(row[name][0], dict):
            return row[name]
    place = text_place(row, PROMPTS) or ("info.post" if isinstance(cell(row, "info.post"), str) else None)
    if place is None:
        return None
    text = cell(row, place)
    return turns_in(text) or text


def _talks(sides: Sides) -> bool:
    return isinstance(sides.first, list) and isinstance(sides.second, list)


# -- lists of answers --------------------------------------------------------------------------------------------


def _ranked(row: Row) -> list[Row]:
    """The answers with what they scored, best being highest; none where the row ranks none."""
    answers = row.get("answers", row.get("responses"))
    if isinstance(answers, dict):
        answers = _turned(answers)
    if not isinstance(answers, list) or len(answers) < 2:
        return []
    found = [_scored(answer) for answer in answers]
    return [each for each in found if each is not None] if all(found) else []


def _turned(columns: Row) -> list[Row]:
    """`{"text": [...], "score": [...]}` as one object an answer (ELI5)."""
    lists = {name: value for name, value in columns.items() if isinstance(value, list)}
    if len(set(map(len, lists.values()))) != 1:
        return []
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _scored(answer: Any) -> Row | None:
    if not isinstance(answer, dict):
        return None
    text = next((answer[name] for name in TEXT if isinstance(answer.get(name), str)), None)
    rank = answer.get("rank")
    score = (
        -rank if isinstance(rank, int | float) else next((answer[n] for n in SCORE if _is_number(answer.get(n))), None)
    )
    return None if text is None or score is None else {"response": text, "overall_score": score}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def ranked(row: Row) -> Row:
    """An instruction and its answers with scores."""
    return {"prompt": _asked(row), "completions": _ranked(row)}


def thumbed(row: Row) -> Row:
    """The last turn is the answer that was judged."""
    turns = row["conversations"]
    return {"prompt": turns[:-1], "completion": turns[-1:], "label": row["kto_tag"]}


STEPS = {"contest": contest, "ranked": ranked, "thumbed": thumbed}
