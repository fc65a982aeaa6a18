"""Whoever answers from documents must be able to say that they do not hold the answer, and only then: both count."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tuner_tui.evaluation.interval import mean
from tuner_tui.evaluation.scorers import normalise

OPENING = 160
TEXTS = r"(?:documents?|passages?|context|sources?|text|materials?|articles?|provided information)"
NOT = r"(?:do(?:es)? not|don['’]t|doesn['’]t|did not|cannot|can['’]t)"
SAY = r"(?:say|state|mention|contain|include|specify|provide|cover|give|answer|tell|hold|have|address)"
ENGLISH = (
    rf"\b{TEXTS} {NOT} {SAY}\b",
    rf"\b(?:not|nothing|no (?:answer|information)|isn['’]t)\b.{{0,40}}\b(?:in|from|by) (?:the|these|your) {TEXTS}\b",
    rf"\b(?:not|isn['’]t) (?:found|mentioned|stated|given|specified|covered)\b.{{0,30}}\b{TEXTS}\b",
)
KOREAN = (
    r"(?:자료|문서|본문|문맥|제공된 정보|지문|출처).{0,12}(?:없|나와 있지 않|언급(?:되|하)지 않|찾을 수 없|알 수 없)",
    r"(?:없는 내용|내용이 없|정보가 없)",
)
ABSENT = re.compile("|".join((*ENGLISH, *KOREAN)), re.DOTALL)


def says_absent(text: str, sentence: str | None = None) -> bool:
    """Whether the opening of an answer says that the documents do not hold it; `sentence` is one that says so too."""
    said = normalise(text)
    told = sentence is not None and said.startswith(normalise(sentence))
    return told or ABSENT.search(said[:OPENING]) is not None


def count_absences(answers: Sequence[str], references: Sequence[str], sentence: str | None = None) -> dict[str, float]:
    """`absent_said`: of the questions without an answer, the share that is told so; `absent_wrong`: of those with one,
    the share that is told so too. Both are left out where no held-out question is without an answer.
    """
    pairs = [(says_absent(r, sentence), says_absent(a, sentence)) for a, r in zip(answers, references, strict=True)]
    right, wrong = ([float(said) for wanted, said in pairs if wanted is kind] for kind in (True, False))
    if not right:
        return {}
    return {"absent_said": mean(right)} | ({"absent_wrong": mean(wrong)} if wrong else {})
