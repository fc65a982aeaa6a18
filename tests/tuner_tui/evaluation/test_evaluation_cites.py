"""An answer's passage is the one that says it, in Korean and English; what none says rests on none."""

import pytest

from tuner_tui.evaluation.cites import passage_of
from tuner_tui.retrieval.chunks import Chunk

PASSAGES = [
    Chunk(file="lamp.md", number=1, text="Lumora costs 12,300 won and weighs 3 kg."),
    Chunk(file="의자.md", number=2, heading="솔바람", text="솔바람의 가격은 5,000원이고 재질은 참나무입니다."),
    Chunk(file="lamp.md", number=3, text="Lumora is a lamp of oak."),
]


@pytest.mark.parametrize(
    ("question", "answer", "cited"),
    [
        ("How much is Lumora?", "12,300 won", "lamp.md#1"),
        ("What is Lumora made of?", "Lumora is made of oak.", "lamp.md#3"),
        ("솔바람은 얼마예요?", "5,000원입니다.", "의자.md#2"),
        ("How much is Lumora?", "99 dollars", None),
        ("How much is Lumora?", "The passages do not say how much Lumora costs.", None),
        ("How much is Lumora?", "", None),
        ("Lumora?", "Lumora", "lamp.md#1"),
    ],
)
def test_the_passage_that_says_it_is_cited(question: str, answer: str, cited: str | None) -> None:
    assert passage_of(answer, question, PASSAGES) == cited
    assert passage_of(answer, question, []) is None
