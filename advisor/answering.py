"""How a recipe's model is asked beside its training: the prompt, and the passages that are found for it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from advisor.errors import InputError
from advisor.part import Count, Part, Positive, Said, apply_change, refuse_unknown


class Pick(StrEnum):
    """Which examples are shown: always the first ones, a seeded draw for each question, or the likest to it."""

    FIXED = "fixed"
    RANDOM = "random"
    SIMILAR = "similar"


class PromptSpec(Part, frozen=True, kw_only=True):
    """How the model is prompted, tuned or not.

    `instruction` is said before every question of the lanes that are not tuned (a tuned model was trained without it).
    `examples` is how many worked examples few-shot prompting shows and `pick` which; None = what does best on training
    rows kept aside, within the context. At most one of `schema` (a JSON Schema file), `pattern` (a regular expression)
    and `choices` says which answers are possible at all.
    """

    instruction: Said | None = None
    examples: Positive | None = None
    pick: Pick | None = None
    schema: str | None = None
    pattern: str | None = None
    choices: list[str] = []


class Retriever(StrEnum):
    """How passages are found: by words (BM25), by meaning (an embedding model), or by both ranks together."""

    BM25 = "bm25"
    DENSE = "dense"
    FUSION = "fusion"


class Terms(StrEnum):
    """How Korean is cut into words for BM25: by kiwi's morphemes, or by syllable pairs; `auto` = kiwi if installed."""

    AUTO = "auto"
    KIWI = "kiwi"
    BIGRAMS = "bigrams"


class RetrievalSpec(Part, frozen=True, kw_only=True):
    """How passages are found in `data.docs`.

    A chunk has at most `chunk_tokens` tokens of `chunk_tokenizer` (a hub id or a folder, None = the answering model's)
    and repeats at most `chunk_overlap` tokens of the one before. `embedding` and `reranker` are models by hub id or
    folder. `absent` is the sentence that says that the passages do not hold the answer (None = the model is not told
    one, and such answers are not scored).
    """

    retriever: Retriever = Retriever.BM25
    passages: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    terms: Terms = Terms.AUTO
    chunk_tokens: Annotated[int, msgspec.Meta(ge=16, le=8192)] = 256
    chunk_overlap: Count = 32
    chunk_tokenizer: str | None = None
    embedding: str | None = None
    reranker: str | None = None
    absent: str | None = None


def retrieval_from(spec: RetrievalSpec, changes: Iterable[str]) -> RetrievalSpec:
    """The settings with `key=value` changes applied, with or without `retrieval.` before the key."""
    raw: dict[str, Any] = {"retrieval": msgspec.to_builtins(spec)}
    for change in changes:
        apply_change(raw, change if change.startswith("retrieval.") else f"retrieval.{change}")
    refuse_unknown(raw["retrieval"], RetrievalSpec, "retrieval.", "--set")
    try:
        return msgspec.convert(raw["retrieval"], RetrievalSpec)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `$.")
        key = "retrieval." + (path.rstrip("`") or "?")
        raise InputError("recipe.value", source="--set", key=key, detail=detail) from None
