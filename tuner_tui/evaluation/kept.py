"""What tuning changed that nobody asked for: the same general prompts before and after, in Korean and English.

The prompts are fixed and belong to no job; the base model's own answers are the reference, so that a weak model is
not blamed for what it never could.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from tuner_tui.evaluation.example import Example, for_model
from tuner_tui.evaluation.generate import answers
from tuner_tui.evaluation.interval import UNIT, bootstrap, mean
from tuner_tui.evaluation.likelihood import likelihoods
from tuner_tui.evaluation.scorers import token_f1
from tuner_tui.evaluation.weights import Weights, room_of

MOST_TOKENS = 48
PROMPTS = (
    "What is the capital of France?",
    "Write one sentence about the sea.",
    "Translate to Korean: Good morning.",
    "What is 17 plus 25?",
    "Name three primary colors.",
    "Explain what a computer does in one sentence.",
    "Give the opposite of 'hot'.",
    "List the days of the week.",
    "Who wrote Hamlet?",
    "Fix the grammar: She go to school every day.",
    "Repeat after me: blue river, green hill.",
    "Is a whale a fish? Answer in one sentence.",
    "대한민국의 수도는 어디인가요?",
    "바다에 대한 한 문장을 써 주세요.",
    "영어로 옮겨 주세요: 안녕하세요.",
    "12 곱하기 8은 얼마인가요?",
    "사계절의 이름을 말해 주세요.",
    "컴퓨터가 하는 일을 한 문장으로 설명해 주세요.",
    "'크다'의 반대말은 무엇인가요?",
    "요일을 차례대로 적어 주세요.",
    "훈민정음을 만든 왕은 누구인가요?",
    "맞춤법을 고쳐 주세요: 오늘은 날씨가 조타.",
    "다음을 따라 하세요: 푸른 강, 초록 언덕.",
    "고래는 물고기인가요? 한 문장으로 답해 주세요.",
)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How like the base model the tuned one still answers (token F1, 95 % interval), and how strange it finds the
    base model's answers: nats per token before and after."""

    items: int
    likeness: float
    low: float
    high: float
    nats_before: float
    nats_after: float
    answers: list[tuple[str, str, str]]


def kept(weights: Weights, tokenizer: Any) -> Kept:
    """Ask all prompts of both; `answers` holds (prompt, before, after)."""
    asked = [Example(row=at, prompt=text, completion="") for at, text in enumerate(PROMPTS, 1)]
    asked = for_model(tokenizer, asked)
    said: dict[bool, list[str]] = {}
    for tuned in (False, True):
        with weights.of(tuned=tuned) as model:
            said[tuned] = answers(model, tokenizer, asked, max_new_tokens=MOST_TOKENS)
    before = [structs.replace(example, completion=text) for example, text in zip(asked, said[False], strict=True)]
    alike = [token_f1(after, each.completion) for after, each in zip(said[True], before, strict=True)]
    low, high = bootstrap(alike, scale=UNIT)
    nats = {tuned: _nats(weights, tokenizer, before, tuned=tuned) for tuned in (False, True)}
    return Kept(
        items=len(PROMPTS),
        likeness=round(mean(alike), 4),
        low=round(low, 4),
        high=round(high, 4),
        nats_before=nats[False],
        nats_after=nats[True],
        answers=list(zip(PROMPTS, said[False], said[True], strict=True)),
    )


def _nats(weights: Weights, tokenizer: Any, examples: list[Example], *, tuned: bool) -> float:
    with weights.of(tuned=tuned) as model:
        pairs = [(example, example.completion) for example in examples]
        found = likelihoods(model, tokenizer, pairs, max_length=room_of(model))
    return round(-sum(each.log_prob for each in found) / max(sum(each.tokens for each in found), 1), 4)
