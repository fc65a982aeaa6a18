"""A question that is also in the test proves nothing: held-out rows are remembered and training rows looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tuner_tui.inspect.alike import Alike, normalised
from tuner_tui.inspect.rowcheck import check
from tuner_tui.inspect.sample import Numbered
from tuner_tui.inspect.scan import Scan
from tuner_tui.inspect.talk import Talk, talk_of

TRAIN = re.compile(r"(?<![a-z])(train(?:ing)?|학습|훈련)(?![a-z])", re.IGNORECASE)
TEST_NAMES = ("test", "eval", "valid", "validation", "val", "dev", "held_out", "heldout", "평가", "검증", "테스트")
TEST = re.compile(rf"(?<![a-z])({'|'.join(TEST_NAMES)})(?![a-z])", re.IGNORECASE)
NEAR_MOST = 20_000


class Held:
    """The held-out rows: their questions, and their whole texts for near repeats (the first NEAR_MOST)."""

    def __init__(self) -> None:
        self._questions: set[int] = set()
        self._alike = Alike()
        self.rows = 0

    def take(self, talks: Iterable[Talk]) -> None:
        """Remember held-out rows."""
        for talk in talks:
            self.rows += 1
            self._questions.add(hash(question_of(talk)))
            if self.rows <= NEAR_MOST:
                self._alike.add(whole_of(talk))

    def has(self, talk: Talk) -> bool:
        """Whether the same question is held out."""
        return hash(question_of(talk)) in self._questions

    def nearly_has(self, talk: Talk) -> bool:
        """Whether a held-out row says nearly the same."""
        return self._alike.find(whole_of(talk)) is not None


def question_of(talk: Talk) -> str:
    """What makes two rows the same question, as training has it: the turns up to the first user turn, else the text."""
    if isinstance(talk.asked, str):
        return normalised(talk.asked or talk.answer or "")
    opening: list[str] = []
    for turn in talk.asked:
        opening.append(turn["content"])
        if turn["role"] == "user":
            break
    return normalised("\n".join(opening))


def whole_of(talk: Talk) -> str:
    """Question and answer as one text."""
    return f"{talk.asked_text}\n{talk.answer or ''}"


def sound_talks(rows: Numbered, scan: Scan) -> Iterator[Talk]:
    """The talks of rows without faults."""
    for _, row in rows:
        named = scan.renamed(row)
        if next(iter(check(named, scan.shape)), None) is None:
            talk = talk_of(named, scan.shape)
            if talk is not None:
                yield talk


def is_test(path: Path) -> bool:
    """Whether a file's name says that it is held out."""
    return TEST.search(path.stem) is not None and TRAIN.search(path.stem) is None


def sibling(path: Path) -> Path | None:
    """The test file that belongs to a training file: the same name with `test` (eval, valid, ...) for `train`."""
    found = TRAIN.search(path.name)
    if found is None:
        return None
    for name in TEST_NAMES:
        other = path.with_name(path.name[: found.start()] + name + path.name[found.end() :])
        if other.is_file():
            return other
    return None
