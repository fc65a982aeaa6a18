"""Which passage an answer rests on is found by what it says, so that an answer cannot cite what it did not use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tuner_tui.evaluation.absences import says_absent
from tuner_tui.evaluation.scorers import tokens_of
from tuner_tui.retrieval.chunks import Chunk

ENOUGH = 0.5


def passage_of(answer: str, question: str, passages: Sequence[Chunk], absent: str | None = None) -> str | None:
    """The passage, as cited, that holds most of the answer's words beyond the question's; of equals the first.

    None where none holds half of them, or where the answer says that the documents do not tell.
    """
    said = Counter(tokens_of(answer))
    own = said - Counter(tokens_of(question)) or said
    if not own or says_absent(answer, absent):
        return None
    shares = [(own & Counter(tokens_of(f"{each.heading} {each.text}"))).total() / own.total() for each in passages]
    best = max(shares, default=0.0)
    return passages[shares.index(best)].cited if best >= ENOUGH else None
