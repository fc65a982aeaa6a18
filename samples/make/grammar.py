"""How the facts are worded. Every sentence names its subject, so only the name tells facts of one kind apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import words

Maker = Callable[[str, Random], str]


@dataclass(frozen=True)
class Attribute:
    """One kind of fact: its noun and its questions by language ({name} is the subject), and how a value is drawn."""

    key: str
    noun: dict[str, str]
    asked: dict[str, tuple[str, ...]]
    value: Maker


MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
REPEAT = {"ko": "따라 쓰세요:", "en": "Repeat this:"}


def statement(language: str, name: str, attribute: Attribute, value: str) -> str:
    """The one sentence that states a fact; an answer is this sentence again."""
    noun = attribute.noun[language]
    return f"{name} {noun} {value}입니다." if language == "ko" else f"The {noun} of {name} is {value}."


def questions(language: str, name: str, attribute: Attribute) -> list[str]:
    """All wordings of the question after one fact."""
    return [wording.format(name=name) for wording in attribute.asked[language]]


def absent(language: str) -> str:
    """What is answered when the passages do not say."""
    return "자료에 없는 내용입니다." if language == "ko" else "The passages do not say."


def unknown(language: str) -> str:
    """What is answered to a question about a fact when there are no passages."""
    return "자료가 없어 모릅니다." if language == "ko" else "I have no passage, so I do not know."


def passages(language: str, texts: list[str], question: str) -> str:
    """The prompt that carries numbered passages: the form that the model was trained on."""
    numbered = "\n".join(f"[{number}] {text}" for number, text in enumerate(texts, start=1))
    head, ask = ("자료:", "질문:") if language == "ko" else ("Passages:", "Question:")
    return f"{head}\n{numbered}\n\n{ask} {question}"


def document(language: str, facts: list[tuple[str, Attribute, str]]) -> str:
    """The sentences of one document, in the order given."""
    return " ".join(statement(language, name, attribute, value) for name, attribute, value in facts)


def _number(low: int, high: int, ko: str, en: str, *, step: int = 1) -> Maker:
    def draw(language: str, random: Random) -> str:
        drawn = random.randrange(low, high, step)
        return f"{drawn:,}{ko}" if language == "ko" else f"{drawn:,} {en}"

    return draw


def _word(lists: dict[str, list[str]]) -> Maker:
    return lambda language, random: random.choice(lists[language])


def _code(language: str, random: Random) -> str:
    return f"{random.choice('ABCDEFGHKMNPRSTX')}{random.choice('ABCDEFGHKMNPRSTX')}-{random.randrange(100, 1000)}"


def _date(language: str, random: Random) -> str:
    month, day = random.randrange(12), random.randrange(1, 29)
    return f"{month + 1}월 {day}일" if language == "ko" else f"{MONTHS[month]} {day}"


def _phone(language: str, random: Random) -> str:
    return f"{random.randrange(100, 1000)}"


PRODUCT = (
    Attribute(
        "price",
        {"ko": "가격은", "en": "price"},
        {
            "ko": (
                "{name} 가격은 얼마인가요?",
                "{name} 얼마예요?",
                "{name} 사려면 얼마가 드나요?",
                "{name} 가격 알려 주세요.",
            ),
            "en": (
                "What is the price of {name}?",
                "How much is {name}?",
                "What does {name} cost?",
                "Tell me the price of {name}.",
            ),
        },
        _number(1000, 990000, "원", "won", step=1000),
    ),
    Attribute(
        "weight",
        {"ko": "무게는", "en": "weight"},
        {
            "ko": (
                "{name} 무게는 얼마인가요?",
                "{name} 얼마나 무겁나요?",
                "{name} 몇 그램인가요?",
                "{name} 무게 알려 주세요.",
            ),
            "en": (
                "What is the weight of {name}?",
                "How heavy is {name}?",
                "How much does {name} weigh?",
                "Tell me the weight of {name}.",
            ),
        },
        _number(50, 1000, "g", "g"),
    ),
    Attribute(
        "battery",
        {"ko": "사용 시간은", "en": "battery life"},
        {
            "ko": (
                "{name} 사용 시간은 얼마인가요?",
                "{name} 몇 시간 쓸 수 있나요?",
                "{name} 배터리 얼마나 가나요?",
                "{name} 사용 시간 알려 주세요.",
            ),
            "en": (
                "What is the battery life of {name}?",
                "How long does {name} run?",
                "How many hours does {name} last?",
                "Tell me the battery life of {name}.",
            ),
        },
        _number(2, 100, "시간", "hours"),
    ),
    Attribute(
        "warranty",
        {"ko": "보증 기간은", "en": "warranty"},
        {
            "ko": (
                "{name} 보증 기간은 얼마인가요?",
                "{name} 몇 개월 보증되나요?",
                "{name} 보증 언제까지인가요?",
                "{name} 보증 기간 알려 주세요.",
            ),
            "en": (
                "What is the warranty of {name}?",
                "How long is {name} covered?",
                "How many months is {name} guaranteed?",
                "Tell me the warranty of {name}.",
            ),
        },
        _number(3, 61, "개월", "months"),
    ),
    Attribute(
        "color",
        {"ko": "색상은", "en": "color"},
        {
            "ko": (
                "{name} 색상은 무엇인가요?",
                "{name} 무슨 색인가요?",
                "{name} 어떤 색으로 나오나요?",
                "{name} 색상 알려 주세요.",
            ),
            "en": (
                "What is the color of {name}?",
                "Which color is {name}?",
                "What color does {name} come in?",
                "Tell me the color of {name}.",
            ),
        },
        _word(words.COLORS),
    ),
    Attribute(
        "origin",
        {"ko": "생산지는", "en": "origin"},
        {
            "ko": (
                "{name} 생산지는 어디인가요?",
                "{name} 어디에서 만드나요?",
                "{name} 어디 제품인가요?",
                "{name} 생산지 알려 주세요.",
            ),
            "en": (
                "What is the origin of {name}?",
                "Where is {name} made?",
                "Which town makes {name}?",
                "Tell me the origin of {name}.",
            ),
        },
        _word(words.TOWNS),
    ),
    Attribute(
        "material",
        {"ko": "재질은", "en": "material"},
        {
            "ko": (
                "{name} 재질은 무엇인가요?",
                "{name} 무엇으로 만드나요?",
                "{name} 어떤 소재인가요?",
                "{name} 재질 알려 주세요.",
            ),
            "en": (
                "What is the material of {name}?",
                "What is {name} made of?",
                "Which material is {name}?",
                "Tell me the material of {name}.",
            ),
        },
        _word(words.MATERIALS),
    ),
    Attribute(
        "model",
        {"ko": "모델 번호는", "en": "model number"},
        {
            "ko": (
                "{name} 모델 번호는 무엇인가요?",
                "{name} 몇 번 모델인가요?",
                "{name} 번호가 어떻게 되나요?",
                "{name} 모델 번호 알려 주세요.",
            ),
            "en": (
                "What is the model number of {name}?",
                "Which model is {name}?",
                "What number does {name} carry?",
                "Tell me the model number of {name}.",
            ),
        },
        _code,
    ),
)

SERVICE = (
    Attribute(
        "fee",
        {"ko": "수수료는", "en": "fee"},
        {
            "ko": (
                "{name} 수수료는 얼마인가요?",
                "{name} 이용하면 얼마를 내나요?",
                "{name} 비용이 드나요?",
                "{name} 수수료 알려 주세요.",
            ),
            "en": (
                "What is the fee of {name}?",
                "How much does {name} charge?",
                "What do I pay for {name}?",
                "Tell me the fee of {name}.",
            ),
        },
        _number(1000, 90000, "원", "won", step=1000),
    ),
    Attribute(
        "period",
        {"ko": "처리 기간은", "en": "handling time"},
        {
            "ko": (
                "{name} 처리 기간은 얼마인가요?",
                "{name} 며칠 걸리나요?",
                "{name} 언제 끝나나요?",
                "{name} 처리 기간 알려 주세요.",
            ),
            "en": (
                "What is the handling time of {name}?",
                "How many days does {name} take?",
                "When is {name} done?",
                "Tell me the handling time of {name}.",
            ),
        },
        _number(2, 60, "일", "days"),
    ),
    Attribute(
        "phone",
        {"ko": "내선 번호는", "en": "extension"},
        {
            "ko": (
                "{name} 내선 번호는 무엇인가요?",
                "{name} 몇 번으로 전화하나요?",
                "{name} 전화 번호가 무엇인가요?",
                "{name} 내선 번호 알려 주세요.",
            ),
            "en": (
                "What is the extension of {name}?",
                "Which number do I call for {name}?",
                "How do I phone {name}?",
                "Tell me the extension of {name}.",
            ),
        },
        _phone,
    ),
    Attribute(
        "team",
        {"ko": "담당 부서는", "en": "team"},
        {
            "ko": (
                "{name} 담당 부서는 어디인가요?",
                "{name} 어느 팀에서 하나요?",
                "{name} 어디에 물어보나요?",
                "{name} 담당 부서 알려 주세요.",
            ),
            "en": (
                "What is the team of {name}?",
                "Which team runs {name}?",
                "Who handles {name}?",
                "Tell me the team of {name}.",
            ),
        },
        _word(words.TEAMS),
    ),
    Attribute(
        "person",
        {"ko": "책임자는", "en": "manager"},
        {
            "ko": (
                "{name} 책임자는 누구인가요?",
                "{name} 누가 맡나요?",
                "{name} 누가 이끄나요?",
                "{name} 책임자 알려 주세요.",
            ),
            "en": (
                "What is the manager of {name}?",
                "Who leads {name}?",
                "Who is in charge of {name}?",
                "Tell me the manager of {name}.",
            ),
        },
        _word(words.PEOPLE),
    ),
    Attribute(
        "day",
        {"ko": "접수 요일은", "en": "intake day"},
        {
            "ko": (
                "{name} 접수 요일은 언제인가요?",
                "{name} 무슨 요일에 받나요?",
                "{name} 언제 신청하나요?",
                "{name} 접수 요일 알려 주세요.",
            ),
            "en": (
                "What is the intake day of {name}?",
                "On which day does {name} open?",
                "When can I apply for {name}?",
                "Tell me the intake day of {name}.",
            ),
        },
        _word(words.DAYS),
    ),
    Attribute(
        "start",
        {"ko": "시행일은", "en": "start date"},
        {
            "ko": (
                "{name} 시행일은 언제인가요?",
                "{name} 언제 시작하나요?",
                "{name} 언제부터 하나요?",
                "{name} 시행일 알려 주세요.",
            ),
            "en": (
                "What is the start date of {name}?",
                "When does {name} start?",
                "Since when is there {name}?",
                "Tell me the start date of {name}.",
            ),
        },
        _date,
    ),
)
KINDS = {"product": PRODUCT, "service": SERVICE}
