"""The practice world: one fictional company, its products and services, and the documents that state their facts."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import grammar
import words
from grammar import Attribute

SEED = 20260
FACTS = 5


@dataclass(frozen=True)
class Fact:
    """One fact: its subject and value now, and the value before the last price list where that changed."""

    language: str
    kind: str
    name: str
    attribute: Attribute
    value: str
    before: str | None = None

    @property
    def answer(self) -> str:
        return grammar.statement(self.language, self.name, self.attribute, self.value)

    @property
    def old_answer(self) -> str:
        return grammar.statement(self.language, self.name, self.attribute, self.before or self.value)


@dataclass(frozen=True)
class Document:
    """One document of the world, named by its path below `samples/world`."""

    path: str
    language: str
    kind: str
    name: str
    facts: tuple[Fact, ...]

    @property
    def text(self) -> str:
        return grammar.document(self.language, [(f.name, f.attribute, f.value) for f in self.facts])

    @property
    def old_text(self) -> str:
        return grammar.document(self.language, [(f.name, f.attribute, f.before or f.value) for f in self.facts])


def documents() -> list[Document]:
    """All documents, the same at every call. One fact in five changed since the last price list."""
    random = Random(SEED)
    made = []
    for language in words.LANGUAGES:
        for kind, names in (("product", words.PRODUCTS[language]), ("service", words.SERVICES[language])):
            for number, name in enumerate(names, start=1):
                attributes = random.sample(grammar.KINDS[kind], FACTS)
                facts = tuple(_fact(language, kind, name, attribute, random) for attribute in attributes)
                path = f"{language}/{kind}-{number:02}.md"
                made.append(Document(path=path, language=language, kind=kind, name=name, facts=facts))
    return made


def _fact(language: str, kind: str, name: str, attribute: Attribute, random: Random) -> Fact:
    value = attribute.value(language, random)
    before = attribute.value(language, random)
    changed = random.random() < 0.2 and before != value
    return Fact(
        language=language, kind=kind, name=name, attribute=attribute, value=value, before=before if changed else None
    )


def beside(document: Document, all_documents: list[Document], count: int, random: Random) -> list[Document]:
    """`document` and `count` others of its kind and language, in random order: what a search would bring."""
    others = [each for each in all_documents if each.language == document.language and each.kind == document.kind]
    others.remove(document)
    found = [document, *random.sample(others, count)]
    random.shuffle(found)
    return found
