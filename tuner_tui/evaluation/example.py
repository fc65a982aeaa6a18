"""A held-out question is the same text for training, for the base model and for the tuned one: one renderer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from tuner_tui.rendering import Conversation, Renderer, TemplateRefused, beyond_limits

Message = dict[str, str]


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One usable row. `prompt` is a conversation when the chat template applies, else plain text.

    `row` counts from 1 in its file. `completion` is the wanted answer (the chosen one of a pair, the whole text
    of a corpus row), `rejected` the unwanted one, `liked` the verdict of binary feedback.
    """

    row: int
    prompt: tuple[Message, ...] | str = ""
    completion: str
    rejected: str | None = None
    liked: bool | None = None

    @property
    def question(self) -> str:
        """The last thing said to the model, for people to read."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[-1]["content"]


def for_model(tokenizer: Any, examples: Sequence[Example]) -> list[Example]:
    """The examples as this model is spoken to.

    With a chat template a plain prompt becomes a user turn, unless the prompts already carry the model's own
    special tokens (then they were rendered before). Without one a conversation becomes plain paragraphs.
    """
    if not any(example.prompt for example in examples):
        return list(examples)
    plain = not tokenizer.chat_template or _rendered(tokenizer, examples)
    if plain:
        return [structs.replace(example, prompt=_as_text(example)) for example in examples]
    spoken = [structs.replace(example, prompt=_as_turns(example)) for example in examples]
    _try_template(tokenizer, spoken)
    return spoken


def _try_template(tokenizer: Any, examples: Sequence[Example]) -> None:
    """InputError when the template hangs or grows on any row: here nothing could stop it, and one row is enough.

    All are rendered apart first, which takes less than half as long as the library then takes to render them.
    """
    asked: list[Conversation] = [([*each.prompt], True) for each in examples]
    asked += [
        ([*turns, {"role": "assistant", "content": each.completion}], False)
        for (turns, _), each in zip(asked, examples, strict=True)
    ]
    try:
        ends = {"begin": tokenizer.bos_token or "", "end": tokenizer.eos_token or ""}
        renderer = Renderer(tokenizer.get_chat_template(), **ends)
        renderer.render(asked)
        renderer.close()
    except TemplateRefused as error:
        if error.limit is not None:  # its own words for a template that is not one come from transformers
            raise beyond_limits(error, str(tokenizer.name_or_path)) from None


def _rendered(tokenizer: Any, examples: Sequence[Example]) -> bool:
    marks = [token for token in tokenizer.all_special_tokens if len(token) > 2]
    first = examples[0].prompt
    return isinstance(first, str) and any(mark in first for mark in marks)


def _as_turns(example: Example) -> tuple[Message, ...]:
    prompt = example.prompt
    return ({"role": "user", "content": prompt},) if isinstance(prompt, str) else prompt


def _as_text(example: Example) -> str:
    if isinstance(example.prompt, str):
        return example.prompt if example.prompt[-1:].isspace() else example.prompt + "\n"
    return "\n\n".join(turn["content"] for turn in example.prompt) + "\n\n"


def prompt_text(tokenizer: Any, example: Example) -> str:
    """The text that the model continues, chat template applied and generation prompt added."""
    if isinstance(example.prompt, str):
        return example.prompt
    return str(tokenizer.apply_chat_template(list(example.prompt), tokenize=False, add_generation_prompt=True))


def full_text(tokenizer: Any, example: Example, answer: str) -> str:
    """Prompt and answer as one text, with the end token that a finished answer carries."""
    if isinstance(example.prompt, str):
        end = tokenizer.eos_token or ""
        return example.prompt + (answer if answer.endswith(end) else answer + end)
    turns = [*example.prompt, {"role": "assistant", "content": answer}]
    return str(tokenizer.apply_chat_template(turns, tokenize=False))


def encode(tokenizer: Any, example: Example, text: str) -> list[int]:
    """Token ids; a chat template already wrote the special tokens, plain text gets the tokenizer's own."""
    plain = isinstance(example.prompt, str)
    return list(tokenizer(text, add_special_tokens=plain)["input_ids"])


def encode_pair(tokenizer: Any, example: Example, answer: str) -> tuple[list[int], int]:
    """Ids of prompt and answer together, and how many of them are prompt (the common prefix)."""
    prompt = encode(tokenizer, example, prompt_text(tokenizer, example))
    whole = encode(tokenizer, example, full_text(tokenizer, example, answer))
    shared = 0
    for left, right in zip(prompt, whole, strict=False):
        if left != right:
            break
        shared += 1
    return whole, shared


def pieces(ids: list[int], length: int) -> list[list[int]]:
    """The same ids in order, at most `length` at a time and about as many in each, so that no piece is a scrap."""
    count = max(-(-len(ids) // length), 1)
    size = -(-len(ids) // count)
    return [ids[at : at + size] for at in range(0, len(ids), size)]
