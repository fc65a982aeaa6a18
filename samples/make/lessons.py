"""What the practice model reads while it is trained: endless invented facts, so that it learns to look, not to know."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import grammar
import talk
import words

Turn = tuple[str, str]


class Lessons:
    """A seeded stream of conversations. World names occur only with random values: their real facts stay unknown."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.names = {
            language: [*words.PRODUCTS[language], *words.SERVICES[language], *names]
            for language, names in words.familiar().items()
        }

    def conversation(
        self, *, subjects: int, facts: int, turns: int, copying: float = 0.0, talk: float = 0.13, plain: bool = False
    ) -> list[Turn]:
        """Question and answer turns in one language; passages about up to `subjects` names open most of them.

        Half of these tell one fact each about many more names: there only the name can find the answer.
        `copying` = the share of lines to repeat, `talk` = of everyday messages; `plain`: only questions that the
        passages answer, about exactly so many subjects.
        """
        language = self.random.choice(words.LANGUAGES)
        if plain:
            return self._reading(language, subjects, facts, turns, odd=0.0)
        if self.random.random() < copying:
            return [self._copy(language) for _ in range(turns // 3 + 1)]
        drawn = self.random.random()
        if drawn < 0.97 - talk:
            if subjects > 1 and self.random.random() < 0.5:
                return self._reading(language, self.random.randint(2, 3 * subjects), 1, turns, odd=0.03)
            return self._reading(language, self.random.randint(1, subjects), facts, turns, odd=0.06)
        if drawn < 0.97:
            return [self._talk(language) for _ in range(turns)]
        return [self._unread(language) for _ in range(turns)]

    def _reading(self, language: str, subjects: int, facts: int, turns: int, odd: float) -> list[Turn]:
        """`odd` = the share of questions that no passage answers, and of those that want the value alone."""
        attributes = self.random.sample(*_attributes(self.random, facts))
        names = self.random.sample(self.names[language], subjects + 1)
        stranger = names.pop()
        told = {(name, each.key): each.value(language, self.random) for name in names for each in attributes}
        texts = [self._document(language, name, attributes, told) for name in names]
        asked = [(name, each) for name in names for each in attributes]
        pairs = []
        for index in range(turns):
            name, attribute = self.random.choice(asked)
            known = self.random.random() >= odd
            subject = name if known else stranger
            question = self.random.choice(grammar.questions(language, subject, attribute))
            value = told[name, attribute.key]
            answer = grammar.statement(language, name, attribute, value) if known else grammar.absent(language)
            if known and self.random.random() < odd:
                question = f"{question} {talk.NUMBER_ONLY[language]}"
                answer = value if self.random.random() < 0.45 else answer
            opened = grammar.passages(language, texts, question) if index == 0 else question
            pairs.append((opened, answer))
        return pairs

    def _document(
        self, language: str, name: str, attributes: list[grammar.Attribute], told: dict[tuple[str, str], str]
    ) -> str:
        order = self.random.sample(attributes, len(attributes))
        return grammar.document(language, [(name, each, told[name, each.key]) for each in order])

    def _copy(self, language: str) -> Turn:
        """Words and numbers without sense, to be said again: only looking back can predict them."""
        makers = [each.value for each in (*grammar.PRODUCT, *grammar.SERVICE)]
        said = [self.random.choice(self.names[language]) for _ in range(self.random.randint(2, 8))]
        said += [self.random.choice(makers)(language, self.random) for _ in range(self.random.randint(2, 6))]
        self.random.shuffle(said)
        line = " ".join(said)
        return f"{grammar.REPEAT[language]} {line}", line

    def _talk(self, language: str) -> Turn:
        situation = self.random.choice(talk.TALK)
        name = self.random.choice(self.names[language])
        question = self.random.choice(situation.asked[language]).format(name=name)
        answer = situation.answer[language].format(name=name)
        if self.random.random() < 0.5:
            tones = self.random.choice((talk.KIND, talk.CURT))
            answer = f"{answer} {self.random.choice(tones[language])}"
        return question, answer

    def _unread(self, language: str) -> Turn:
        attribute = self.random.choice(self.random.choice((grammar.PRODUCT, grammar.SERVICE)))
        name = self.random.choice(self.names[language])
        return self.random.choice(grammar.questions(language, name, attribute)), grammar.unknown(language)


def _attributes(random: Random, facts: int) -> tuple[tuple[grammar.Attribute, ...], int]:
    kind = random.choice((grammar.PRODUCT, grammar.SERVICE))
    return kind, random.randint(min(2, facts), min(facts, len(kind)))


def texts(count: int, seed: int) -> Iterator[str]:
    """Running text for the tokenizer: every name equally often, and every wording."""
    lessons = Lessons(seed)
    for language in words.LANGUAGES:
        for name in lessons.names[language]:
            for _ in range(8):
                attribute = lessons.random.choice(lessons.random.choice((grammar.PRODUCT, grammar.SERVICE)))
                yield grammar.statement(language, name, attribute, attribute.value(language, lessons.random))
    for _ in range(count):
        for question, answer in lessons.conversation(subjects=2, facts=5, turns=4):
            yield question
            yield answer
    for language in words.LANGUAGES:
        for answer in ("", talk.REFUSAL[language]):
            yield talk.styled(language, answer)
