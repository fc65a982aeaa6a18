"""How many examples and which is chosen on training rows that are shown to no one, never on the held-out ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from advisor.answering import Pick, PromptSpec
from advisor.recipe import EvalSpec
from tuner_tui.evaluation.example import Example
from tuner_tui.evaluation.lanes import Shots, likeness_of, prompt_tokens, shown
from tuner_tui.evaluation.measure import GENERATED, measure
from tuner_tui.evaluation.weights import room_of

DEVELOPMENT = 24
POOL = 200
CHOICES = (
    Shots(count=1),
    Shots(count=4),
    Shots(count=4, pick=Pick.RANDOM),
    Shots(count=4, pick=Pick.SIMILAR),
    Shots(count=16, pick=Pick.SIMILAR),
    Shots(count=64, pick=Pick.SIMILAR),
)


def choices_of(spec: PromptSpec) -> list[Shots]:
    """What is tried: all of CHOICES, or as the recipe says."""
    picks = [Pick(spec.pick)] if spec.pick else list(Pick)
    if spec.examples is not None:
        return [Shots(count=spec.examples, pick=pick) for pick in picks]
    return [shots for shots in CHOICES if shots.pick in picks] or [Shots(count=n, pick=picks[0]) for n in (1, 4, 16)]


class FewShot:
    """Worked examples for one set of questions, from one set of training rows, in the room that one model has."""

    def __init__(self, train: Sequence[Example], asked: Sequence[Example], tokenizer: Any, spec: EvalSpec) -> None:
        self._pool = train[DEVELOPMENT : DEVELOPMENT + POOL] or train
        self._development = train[:DEVELOPMENT] if len(train) > DEVELOPMENT else []
        self._asked, self._tokenizer, self._spec = asked, tokenizer, spec
        self._likeness = likeness_of(self._pool)

    def prompts(self, examples: Sequence[Example], shots: Shots) -> list[Example]:
        """Each question below its worked examples."""
        return [shown(example, self._pool, shots, self._likeness) for example in examples]

    def fits(self, shots: Shots, room: int) -> bool:
        """Whether every prompt, of the questions as of the development rows, leaves room for its answer."""
        prompts = self.prompts([*self._development, *self._asked], shots)
        longest = max(prompt_tokens(self._tokenizer, prompt) for prompt in prompts)
        return longest + self._spec.max_new_tokens <= room

    def choose(self, model: Any, choices: Sequence[Shots], tell: Callable[[int, int], None], **how: Any) -> Shots:
        """The best of `choices` on the development rows; of equal ones the first; where none fits the first.

        Too few rows to keep some apart, or a metric without answers, leave nothing to choose by: the first that fits.
        """
        room = room_of(model)
        fitting = [shots for shots in choices if self.fits(shots, room)] or [choices[0]]
        if len(fitting) == 1 or not self._development or self._spec.metric not in GENERATED:
            return fitting[0]
        scores = []
        for at, shots in enumerate(fitting, 1):
            tell(at, len(fitting))
            prompts = self.prompts(self._development, shots)
            scores.append(measure(model, self._tokenizer, prompts, self._spec, max_length=room, **how).score)
        return fitting[scores.index(max(scores))]
