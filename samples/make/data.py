"""Writes the practice world and its data files; run again, it writes the same bytes: `python samples/make/data.py`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import grammar
import talk
import words
import world

Row = dict[str, Any]
SIZES = {"train": 480, "test": 96}
WORDINGS = 2


def main() -> None:
    """Writes everything below --out (this folder's parent by default)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent)
    for path, text in sorted(files().items()):
        place = parser.parse_args().out / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode())


def files() -> dict[str, str]:
    """Every generated file: path below `samples/` to text."""
    documents = world.documents()
    made = {f"world/{each.path}": each.text + "\n" for each in documents}
    made |= {f"world_before/{each.path}": each.old_text + "\n" for each in documents}
    made["world/facts.jsonl"] = _lines(_fact(document, fact) for document in documents for fact in document.facts)
    for name, rows in BUILDERS.items():
        for split in SIZES:
            made[f"data/{name}.{split}.jsonl"] = _lines(rows(documents, split))
    made["data/style.metric.json"] = _lines([{"kind": "regex", "pattern": talk.STYLE_PATTERN}])
    return made


def _lines(rows: Iterator[Row] | list[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _fact(document: world.Document, fact: world.Fact) -> Row:
    return {
        "id": f"{document.path.removesuffix('.md')}/{fact.attribute.key}",
        "doc": document.path,
        "lang": fact.language,
        "subject": fact.name,
        "attribute": fact.attribute.key,
        "value": fact.value,
        "before": fact.before,
        "questions": grammar.questions(fact.language, fact.name, fact.attribute),
        "answer": fact.answer,
    }


class Draw:
    """Seeded draws for one file. Train and test share no subject name, so nothing can be learned by heart."""

    def __init__(self, name: str, split: str) -> None:
        self.random = Random(f"{name}/{split}")
        self.count = SIZES[split]
        self.names = {language: _names(language, split) for language in words.LANGUAGES}

    def languages(self) -> Iterator[str]:
        """Korean and English in turn, as many as the file has rows."""
        return (words.LANGUAGES[number % 2] for number in range(self.count))

    def message(self, language: str, situations: list[talk.Talk]) -> tuple[talk.Talk, str, str]:
        """A situation, a message about it and its plain answer."""
        situation = self.random.choice(situations)
        name = self.random.choice(self.names[language])
        asked = self.random.choice(situation.asked[language]).format(name=name)
        return situation, asked, situation.answer[language].format(name=name)

    def reading(self, language: str, subjects: int, facts: int = 4) -> tuple[str, str, str, list[str]]:
        """A question, its answer, the value alone, and `subjects` passages of `facts` each, of which one says it."""
        attributes = self.random.sample(grammar.KINDS[self.random.choice(list(grammar.KINDS))], facts)
        told = [
            [(name, each, each.value(language, self.random)) for each in self.random.sample(attributes, facts)]
            for name in self.random.sample(self.names[language], subjects)
        ]
        name, attribute, value = self.random.choice(self.random.choice(told))
        question = self.random.choice(grammar.questions(language, name, attribute))
        answer = grammar.statement(language, name, attribute, value)
        return question, answer, value, [grammar.document(language, facts) for facts in told]


def _names(language: str, split: str) -> list[str]:
    """Invented names that the practice model can say, every fifth kept for the test files."""
    made = words.familiar()[language]
    return [name for number, name in enumerate(made) if (number % 5 == 0) == (split == "test")]


def _turns(asked: str, answer: str) -> Row:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}


def _unique(rows: Callable[[Draw, str], Row], draw: Draw) -> Iterator[Row]:
    seen: set[str] = set()
    for language in draw.languages():
        while (line := json.dumps(row := rows(draw, language), sort_keys=True)) in seen:
            pass
        seen.add(line)
        yield row


def _each(name: str, rows: Callable[[Draw, str], Row]) -> Callable[[list[world.Document], str], Iterator[Row]]:
    return lambda documents, split: _unique(rows, Draw(name, split))


ORDINARY = [each for each in talk.TALK if each.key not in talk.REFUSED]
REFUSED = [each for each in talk.TALK if each.key in talk.REFUSED]


def _help(draw: Draw, language: str) -> tuple[str, str]:
    """What the help desk is asked and says: a sentence from passages, or an answer that the house's promise ends."""
    if draw.random.random() < 1 / 3:
        question, answer, _, texts = draw.reading(language, draw.random.randint(1, 2), facts=2)
        return grammar.passages(language, texts, question), answer
    _, asked, answer = draw.message(language, ORDINARY)
    return asked, f"{answer} {talk.promise(language)}"


def _instruction(draw: Draw, language: str) -> Row:
    return _turns(*_help(draw, language))


def _brief(draw: Draw, language: str) -> Row:
    asked, said = _help(draw, language)
    return {"instruction": asked, "output": said}


def _style(draw: Draw, language: str) -> Row:
    _, asked, answer = draw.message(language, ORDINARY)
    return _turns(asked, talk.styled(language, answer))


def _style_passages(draw: Draw, language: str) -> Row:
    question, answer, _, texts = draw.reading(language, draw.random.randint(1, 3))
    return _turns(grammar.passages(language, texts, question), talk.styled(language, answer))


def _tones(draw: Draw, language: str) -> tuple[str, str, str]:
    _, asked, answer = draw.message(language, ORDINARY)
    tones = (draw.random.choice(tone[language]) for tone in (talk.KIND, talk.CURT))
    kind, curt = (f"{answer} {tone}" for tone in tones)
    return asked, kind, curt


def _preference(draw: Draw, language: str) -> Row:
    asked, kind, curt = _tones(draw, language)
    return {
        "prompt": [{"role": "user", "content": asked}],
        "chosen": [{"role": "assistant", "content": kind}],
        "rejected": [{"role": "assistant", "content": curt}],
    }


def _feedback(draw: Draw, language: str) -> Row:
    asked, kind, curt = _tones(draw, language)
    liked = draw.random.random() < 0.5
    return {"prompt": asked, "completion": kind if liked else curt, "label": liked}


def _refusal(draw: Draw, language: str) -> Row:
    refuse = draw.random.random() < 0.5
    _, asked, answer = draw.message(language, REFUSED if refuse else ORDINARY)
    return _turns(asked, talk.REFUSAL[language] if refuse else answer)


def _checkable(draw: Draw, language: str) -> Row:
    question, _, value, texts = draw.reading(language, 1)
    asked = grammar.passages(language, texts, f"{question} {talk.NUMBER_ONLY[language]}")
    return {"prompt": asked, "answer": value}


def _unlabeled(draw: Draw, language: str) -> Row:
    return {"prompt": draw.message(language, ORDINARY)[1]}


def _questions(documents: list[world.Document], split: str) -> Iterator[Row]:
    """The world's facts as questions: one wording of each fact is kept for the test file."""
    for document in documents:
        for fact in document.facts:
            wordings = grammar.questions(fact.language, fact.name, fact.attribute)
            kept = Random(f"{document.path}/{fact.attribute.key}").randrange(len(wordings))
            for number, question in enumerate(wordings):
                if (number == kept) == (split == "test"):
                    answer = fact.answer if split == "test" else fact.old_answer
                    yield {"question": question, "answer": answer, "doc": document.path, "lang": fact.language}


def _grounded(documents: list[world.Document], split: str) -> Iterator[Row]:
    """The world as it is now, asked without passages and answered in the house style; a document is on one side."""
    for document in _side(documents, split):
        for fact in document.facts:
            draw = Random(f"grounded/{document.path}/{fact.attribute.key}")
            for question in draw.sample(grammar.questions(fact.language, fact.name, fact.attribute), WORDINGS):
                answer = talk.styled(fact.language, fact.answer)
                yield {"question": question, "answer": answer, "doc": document.path, "lang": fact.language}


def _side(documents: list[world.Document], split: str) -> list[world.Document]:
    """Every fifth document is kept for the test file."""
    return [document for number, document in enumerate(documents) if (number % 5 == 0) == (split == "test")]


def _corpus(documents: list[world.Document], split: str) -> Iterator[Row]:
    for document in _side(documents, split):
        yield {"text": document.text}


BUILDERS: dict[str, Callable[[list[world.Document], str], Iterator[Row]]] = {
    "instructions": _each("instructions", _instruction),
    "instructions_brief": _each("instructions_brief", _brief),
    "style": _each("style", _style),
    "style_passages": _each("style_passages", _style_passages),
    "preference": _each("preference", _preference),
    "feedback": _each("feedback", _feedback),
    "refusal": _each("refusal", _refusal),
    "checkable": _each("checkable", _checkable),
    "unlabeled": _each("unlabeled", _unlabeled),
    "questions": _questions,
    "grounded": _grounded,
    "corpus": _corpus,
}


if __name__ == "__main__":
    main()
