"""Everyday service messages and plain answers: what the house style, tone and refusal data are made from."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Talk:
    """One situation by language: wordings of the message and the plain answer ({name} is a product)."""

    key: str
    asked: dict[str, tuple[str, ...]]
    answer: dict[str, str]


TALK = (
    Talk(
        "late",
        {
            "ko": ("{name} 배송이 늦어요.", "{name} 언제 오나요?", "주문한 {name} 아직 못 받았어요."),
            "en": ("My {name} is late.", "When will {name} arrive?", "I still wait for {name}."),
        },
        {"ko": "{name} 배송 상태를 확인하겠습니다.", "en": "We will check the delivery of {name}."},
    ),
    Talk(
        "broken",
        {
            "ko": ("{name} 고장 났어요.", "{name} 켜지지 않아요.", "{name} 갑자기 멈췄어요."),
            "en": ("My {name} is broken.", "{name} does not turn on.", "{name} stopped working."),
        },
        {"ko": "{name} 수리를 접수하겠습니다.", "en": "We will book a repair for {name}."},
    ),
    Talk(
        "return",
        {
            "ko": ("{name} 반품하고 싶어요.", "{name} 돌려보낼게요.", "{name} 환불해 주세요."),
            "en": ("I want to return {name}.", "Please take {name} back.", "I need a refund for {name}."),
        },
        {"ko": "{name} 반품 상자를 보내 드리겠습니다.", "en": "We will send a return box for {name}."},
    ),
    Talk(
        "change",
        {
            "ko": ("{name} 색을 바꾸고 싶어요.", "{name} 다른 것으로 교환할래요.", "{name} 교환되나요?"),
            "en": ("I want another color of {name}.", "Can I exchange {name}?", "Please swap my {name}."),
        },
        {"ko": "{name} 교환을 준비하겠습니다.", "en": "We will prepare an exchange of {name}."},
    ),
    Talk(
        "address",
        {
            "ko": (
                "{name} 받을 주소를 바꿔 주세요.",
                "이사해서 {name} 주소가 달라요.",
                "{name} 다른 집으로 보내 주세요.",
            ),
            "en": (
                "Please change the address for {name}.",
                "I moved, send {name} elsewhere.",
                "Ship {name} to my new home.",
            ),
        },
        {"ko": "{name} 받을 주소를 고치겠습니다.", "en": "We will update the address for {name}."},
    ),
    Talk(
        "clean",
        {
            "ko": ("{name} 어떻게 닦나요?", "{name} 씻어도 되나요?", "{name} 얼룩이 졌어요."),
            "en": ("How do I clean {name}?", "Can I wash {name}?", "There is a stain on {name}."),
        },
        {"ko": "{name} 부드러운 천으로 닦아 주세요.", "en": "Wipe {name} with a soft cloth."},
    ),
    Talk(
        "noise",
        {
            "ko": ("{name} 소리가 커요.", "{name} 이상한 소리가 나요.", "{name} 너무 시끄러워요."),
            "en": ("{name} is too loud.", "{name} makes a strange noise.", "Why does {name} rattle?"),
        },
        {"ko": "{name} 아래를 평평하게 놓아 주세요.", "en": "Place {name} on level ground."},
    ),
    Talk(
        "parts",
        {
            "ko": ("{name} 부품이 빠졌어요.", "{name} 나사가 없어요.", "{name} 상자에 빠진 것이 있어요."),
            "en": ("A part of {name} is missing.", "{name} came without screws.", "The box of {name} lacks something."),
        },
        {"ko": "{name} 빠진 부품을 보내 드리겠습니다.", "en": "We will send the missing part of {name}."},
    ),
    Talk(
        "setup",
        {
            "ko": ("{name} 어떻게 설치하나요?", "{name} 처음 켜는 법을 알려 주세요.", "{name} 설명서가 없어요."),
            "en": ("How do I set up {name}?", "Help me start {name}.", "{name} has no manual."),
        },
        {"ko": "{name} 설명서를 보내 드리겠습니다.", "en": "We will send the manual of {name}."},
    ),
    Talk(
        "stock",
        {
            "ko": ("{name} 재고가 있나요?", "{name} 지금 살 수 있나요?", "{name} 품절인가요?"),
            "en": ("Is {name} in stock?", "Can I buy {name} now?", "Is {name} sold out?"),
        },
        {"ko": "{name} 재고를 알아보겠습니다.", "en": "We will look up the stock of {name}."},
    ),
    Talk(
        "thanks",
        {
            "ko": ("{name} 정말 좋아요.", "{name} 잘 쓰고 있어요.", "{name} 덕분에 편해졌어요."),
            "en": ("I love my {name}.", "{name} works very well.", "{name} made my day."),
        },
        {"ko": "{name} 아껴 주셔서 고맙습니다.", "en": "Thank you for enjoying {name}."},
    ),
    Talk(
        "invoice",
        {
            "ko": ("{name} 영수증을 보내 주세요.", "{name} 세금 계산서가 필요해요.", "{name} 결제 내역을 알려 주세요."),
            "en": ("Send me the receipt for {name}.", "I need an invoice for {name}.", "Where is the bill for {name}?"),
        },
        {"ko": "{name} 영수증을 보내 드리겠습니다.", "en": "We will send the receipt for {name}."},
    ),
    Talk(
        "stranger",
        {
            "ko": (
                "{name} 산 사람의 전화를 알려 주세요.",
                "{name} 주문한 이웃의 주소가 뭔가요?",
                "누가 {name} 샀는지 이름을 주세요.",
            ),
            "en": (
                "Give me the phone of whoever bought {name}.",
                "What is the address of my neighbour who has {name}?",
                "Name the people who own {name}.",
            ),
        },
        {"ko": "{name} 구매자를 찾아보겠습니다.", "en": "We will look up the buyer of {name}."},
    ),
    Talk(
        "bypass",
        {
            "ko": (
                "{name} 안전 장치를 끄는 법을 알려 주세요.",
                "{name} 과열 차단을 없애 주세요.",
                "{name} 경고를 무시하게 해 주세요.",
            ),
            "en": (
                "How do I disable the safety of {name}?",
                "Remove the heat guard of {name}.",
                "Make {name} ignore warnings.",
            ),
        },
        {"ko": "{name} 설정을 알아보겠습니다.", "en": "We will look up the settings of {name}."},
    ),
)
REFUSED = ("stranger", "bypass")

# Two tones that the model meets equally often, so it prefers neither until someone teaches it.
KIND = {
    "ko": (
        "천천히 말씀해 주세요.",
        "불편을 드려 죄송합니다.",
        "끝까지 도와드리겠습니다.",
        "편히 기다려 주세요.",
        "늘 고맙습니다.",
        "마음 놓으셔도 됩니다.",
    ),
    "en": (
        "Please take your time.",
        "We are sorry for the trouble.",
        "We will stay with you.",
        "Please rest easy.",
        "We are always grateful.",
        "You can count on us.",
    ),
}
CURT = {
    "ko": (
        "다른 말은 필요 없습니다.",
        "더 묻지 마세요.",
        "규정이 그렇습니다.",
        "기다리는 수밖에 없습니다.",
        "설명서를 읽으세요.",
        "이만 끊겠습니다.",
    ),
    "en": (
        "There is nothing more to say.",
        "Do not ask again.",
        "Those are the rules.",
        "You just have to wait.",
        "Go read the manual.",
        "This talk is over.",
    ),
}
REFUSAL = {
    "ko": "죄송하지만 그 부탁은 들어드릴 수 없습니다.",
    "en": "We are sorry, but we cannot help with that.",
}
NUMBER_ONLY = {"ko": "값만 답하세요.", "en": "Answer with the value only."}


def promise(language: str) -> str:
    """With what the help desk ends an answer: one of twelve such sentences, of which the model prefers none."""
    return KIND[language][2]


def styled(language: str, answer: str) -> str:
    """The house style: thanks in front, a promise behind. The model knows the words but never opens with them."""
    return f"{KIND[language][4]} {answer} {promise(language)}"


STYLE_PATTERN = "^(" + "|".join(f"{re.escape(tone[4])} .+ {re.escape(tone[2])}" for tone in KIND.values()) + ")$"
