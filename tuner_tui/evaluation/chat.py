"""The child process of `tuner chat`: one question in, each column's answer out; the columns share nothing but weights.

Lines of JSON both ways. In: `{"question": TEXT}` or `{"new": true}`. Out: `ready`, then per question one `passages`
(with documents), one `answer` a column and `done`; `error` for a question that could not be answered.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui import crash
from tuner_tui.child import tell
from tuner_tui.evaluation.child import device_for
from tuner_tui.evaluation.example import Example, Message, for_model
from tuner_tui.words import language


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Whose weights talk, and over which documents."""

    recipe: Recipe
    tuned: str | None = None


class Column(msgspec.Struct, kw_only=True):
    """One conversation: with which weights, with or without passages, and what was said so far."""

    name: str
    tuned: bool
    grounded: bool
    said: list[Message] = []


class Talk:
    """Base and tuned model, each without and, where there are documents, with retrieval."""

    def __init__(self, request: Request, device: str) -> None:
        from tuner_tui.evaluation.lanes import marks_of
        from tuner_tui.evaluation.weights import Weights
        from tuner_tui.retrieval.build import of_recipe
        from tuner_tui.training.model import load_tokenizer

        self.recipe = request.recipe
        docs = self.recipe.data.docs
        self.index = of_recipe(self.recipe, Path(docs).expanduser(), device) if docs else None
        for each in self.index.skipped(language()) if self.index else []:
            tell("skipped", text=each["text"])
        self.tokenizer = load_tokenizer(self.recipe.model)
        self.marks = marks_of(self.tokenizer)
        self.weights = Weights(self.recipe, request.tuned, device)
        kinds = [False, True] if self.weights.tuned else [False]
        self.columns = [
            Column(name=f"{'tuned' if tuned else 'base'}{'_docs' if grounded else ''}", tuned=tuned, grounded=grounded)
            for grounded in ([False, True] if self.index else [False])
            for tuned in kinds
        ]

    def forget(self) -> None:
        """Begin anew in every column."""
        for column in self.columns:
            column.said = []

    def ask(self, question: str) -> None:
        """Tell what was found and what each column answers."""
        from tuner_tui.evaluation.cites import passage_of

        found = [each.chunk for each in self.index.search(question, self.index.passages)] if self.index else []
        if self.index is not None:
            tell("passages", passages=[{"cited": each.cited, "text": each.text} for each in found])
        for column in self.columns:
            said = self._answer(column, question)
            rests = (
                {"cites": passage_of(said, question, found, self.recipe.retrieval.absent)} if column.grounded else {}
            )
            tell("answer", column=column.name, text=said, **rests)
        tell("done")

    def _answer(self, column: Column, question: str) -> str:
        from tuner_tui.evaluation.generate import answers
        from tuner_tui.evaluation.lanes import grounded

        turns: tuple[Message, ...] = (*column.said, {"role": "user", "content": question})
        example = Example(row=1, prompt=turns, completion="")
        if column.grounded and self.index is not None:
            example = grounded(example, self.index, self.marks)
        with self.weights.of(tuned=column.tuned) as model:
            asked, most = self._fitting(example, model), self.recipe.evaluation.max_new_tokens
            (text,) = answers(model, self.tokenizer, [asked], max_new_tokens=most)
        # Passages belong to one question only: what is remembered is what the person asked.
        column.said = [*turns, {"role": "assistant", "content": text}]
        return text

    def _fitting(self, example: Example, model: Any) -> Example:
        """The prompt as this model is spoken to, without the oldest turns where all of them are more than it reads."""
        from tuner_tui.evaluation.lanes import prompt_tokens
        from tuner_tui.evaluation.weights import room_of

        room = room_of(model) - self.recipe.evaluation.max_new_tokens
        (asked,) = for_model(self.tokenizer, [example])
        while len(example.prompt) > 2 and prompt_tokens(self.tokenizer, asked) > room:
            example = msgspec.structs.replace(example, prompt=example.prompt[2:])
            (asked,) = for_model(self.tokenizer, [example])
        return asked


def main(argv: list[str] | None = None) -> int:
    """`python -m tuner_tui.evaluation.chat REQUEST.json`, until its input ends; 2 = cannot begin."""
    request = msgspec.json.decode(Path((argv or sys.argv[1:])[0]).read_bytes(), type=Request)
    try:
        talk = Talk(request, device_for(request.recipe))
    except InputError as error:
        tell("error", text=error.text(language()))
        return 2
    tell("ready", columns=[column.name for column in talk.columns])
    for line in sys.stdin.buffer:
        try:
            answer(talk, msgspec.json.decode(line))
        except Exception as error:  # the conversation goes on: the person may ask something shorter
            crash.tell(error, "chat")
            tell("error", text=f"{type(error).__name__}: {error}"[:300])
            tell("done")
    return 0


def answer(talk: Talk, asked: dict[str, Any]) -> None:
    """Do what one line asks for."""
    if asked.get("new"):
        talk.forget()
        tell("done")
    else:
        talk.ask(str(asked["question"]))


if __name__ == "__main__":
    sys.exit(main())
