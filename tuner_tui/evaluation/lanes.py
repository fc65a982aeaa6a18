"""A lane is one way to answer: every lane gets the same questions and differs only in prompt and weights."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import Any

import msgspec
from msgspec import structs

from advisor.answering import Pick
from tuner_tui.evaluation.example import Example, Message, encode, prompt_text
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.prompt import framed, with_passages


class Lane(StrEnum):
    """The lanes, cheapest to run first: of lanes that do not differ, the first one wins."""

    ZERO_SHOT = "zero_shot"
    FEW_SHOT = "few_shot"
    RAG = "rag"
    FT = "ft"
    RAG_FT = "rag_ft"
    API = "api"
    API_RAG = "api_rag"

    @property
    def tuned(self) -> bool:
        """Whether it answers with the tuned weights."""
        return self in (Lane.FT, Lane.RAG_FT)

    @property
    def retrieves(self) -> bool:
        """Whether its prompts carry passages."""
        return self in (Lane.RAG, Lane.RAG_FT, Lane.API_RAG)

    @property
    def remote(self) -> bool:
        """Whether an endpoint answers, not weights of ours."""
        return self in (Lane.API, Lane.API_RAG)


class Shots(msgspec.Struct, frozen=True, kw_only=True):
    """How many examples are shown, and which."""

    count: int
    pick: Pick = Pick.FIXED


def turns_of(example: Example) -> tuple[Message, ...]:
    """The prompt as a conversation."""
    prompt = example.prompt
    return ({"role": "user", "content": prompt},) if isinstance(prompt, str) else prompt


def instructed(example: Example, instruction: str | None) -> Example:
    """The question below the instruction, which joins a system turn that is there already."""
    if not instruction:
        return example
    if isinstance(example.prompt, str):
        return structs.replace(example, prompt=f"{instruction}\n\n{example.prompt}")
    first = example.prompt[0]
    if first["role"] == "system":
        told = {"role": "system", "content": f"{instruction}\n\n{first['content']}"}
        return structs.replace(example, prompt=(told, *example.prompt[1:]))
    return structs.replace(example, prompt=({"role": "system", "content": instruction}, *example.prompt))


def shown(example: Example, pool: Sequence[Example], shots: Shots, likeness: Index) -> Example:
    """The question below worked examples from `pool`; `likeness` is `likeness_of(pool)`."""
    if shots.pick is Pick.SIMILAR:
        found = [pool[each.chunk.number - 1] for each in likeness.search(example.question, shots.count)]
        chosen = found[::-1]  # the likest stands last, nearest to the question
    elif shots.pick is Pick.RANDOM:
        chosen = Random(example.question).sample(list(pool), min(shots.count, len(pool)))
    else:
        chosen = list(pool[: shots.count])
    own = turns_of(example)
    system = [turn for turn in own if turn["role"] == "system"]
    told: list[Message] = []
    for each in chosen:
        told += [turn for turn in turns_of(each) if turn["role"] != "system"]
        told.append({"role": "assistant", "content": each.completion})
    return structs.replace(example, prompt=(*system, *told, *(turn for turn in own if turn["role"] != "system")))


def likeness_of(pool: Sequence[Example]) -> Index:
    """An index over the questions of `pool`."""
    return Index([Chunk(file="", number=at, text=each.question) for at, each in enumerate(pool, 1)])


def grounded(example: Example, index: Index, marks: Sequence[str]) -> Example:
    """The question below the passages found for it; the system and earlier turns stay.

    A question that already carries passages stays as it is.
    """
    if framed(example.question):
        return example
    passages = [each.chunk for each in index.search(example.question, index.passages)]
    asked = with_passages(example.question, passages, marks, index.absent)
    if isinstance(example.prompt, str):
        return structs.replace(example, prompt=asked)
    return structs.replace(example, prompt=(*example.prompt[:-1], {"role": "user", "content": asked}))


def prompt_tokens(tokenizer: Any, example: Example) -> int:
    """How long the prompt is for this model; running text is what is read of it."""
    text = prompt_text(tokenizer, example) if example.prompt else example.completion
    return len(encode(tokenizer, example, text))


def marks_of(tokenizer: Any) -> list[str]:
    """Every text that this tokenizer reads as a special token."""
    return sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()})
