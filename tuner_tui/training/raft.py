"""For retrieval with tuning, rows are learned as they will be asked: below the passages that retrieval finds for them.

What is found beside the right passage are the distractors (RAFT, Zhang et al. 2024).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from advisor.methods import Approach
from advisor.recipe import Recipe
from tuner_tui.evaluation.absences import says_absent
from tuner_tui.evaluation.example import Example, encode_pair
from tuner_tui.retrieval.terms import terms
from tuner_tui.runs.adjust import adjustment_of
from tuner_tui.training.job import Job

HELD, FORM, TOLD, SHOWN = 0.5, 0.1, 0.05, 3
"""Measured on the practice world: of 144 answers that its documents contradict 73 are found, of 1,356 others none."""


def raft(recipe: Recipe, tokenizer: Any, examples: list[Example]) -> list[Example]:
    """The examples below their passages where the recipe tunes with retrieval, else as they are."""
    docs = recipe.data.docs
    if recipe.parsed_label.approach is not Approach.RAG_FT or docs is None:
        return examples
    from tuner_tui.evaluation.lanes import grounded, marks_of
    from tuner_tui.retrieval.build import of_recipe

    index, marks = of_recipe(recipe, Path(docs).expanduser()), marks_of(tokenizer)
    return [grounded(example, index, marks) for example in examples]


def tell_unsaid(job: Job, bare: Sequence[Example], below: Sequence[Example]) -> None:
    """Warn where the passages of many rows do not say what the answer says: such rows teach not to read them."""
    rows = unsaid(bare, below, job.recipe.retrieval.absent) if below is not bare else []
    if len(rows) > TOLD * len(bare):
        job.warn("passages_unsaid", count=len(rows), of=len(bare), rows=", ".join(map(str, rows[:SHOWN])))


def unsaid(bare: Sequence[Example], below: Sequence[Example], absent: str | None = None) -> list[int]:
    """The rows whose passages hold less than HELD of what their answers say.

    That is the answer's terms beyond the question's, rare ones counting more; those of every tenth answer are its form.
    """
    said = [set(terms(example.completion)) for example in bare]
    often = Counter(term for each in said for term in each)
    content = {term: math.log(len(bare) / count) for term, count in often.items() if count < max(FORM * len(bare), 2)}
    found = []
    for example, asked, own in zip(bare, below, said, strict=True):
        own = (own & content.keys()) - set(terms(example.question))
        passages = asked.question.removesuffix(example.question)
        if own and passages and not says_absent(example.completion, absent):
            held = sum(content[term] for term in own & set(terms(passages)))
            found += [example.row] if held < HELD * sum(content[term] for term in own) else []
    return found


def make_room(job: Job, tuned: Any, tokenizer: Any, train: list[Example]) -> None:
    """Rows below passages get the length that they need, not where memory has made them shorter."""
    change = adjustment_of(job.run)
    if change is not None and change.max_length is not None:
        return
    before, job.recipe = job.recipe.train.max_length, roomy(job.recipe, tuned.config, tokenizer, train)
    if job.recipe.train.max_length > before:
        job.warn("room_for_passages", before=before, length=job.recipe.train.max_length)


def roomy(recipe: Recipe, config: Any, tokenizer: Any, train: list[Example]) -> Recipe:
    """Passages make rows longer than the recipe could know: the length becomes the longest that the model reads."""
    if recipe.parsed_label.approach is not Approach.RAG_FT:
        return recipe
    longest = max(len(encode_pair(tokenizer, example, example.completion)[0]) for example in train)
    most = getattr(config, "max_position_embeddings", None) or longest
    length = max(min(-(-longest // 64) * 64, most), recipe.train.max_length)
    return structs.replace(recipe, train=structs.replace(recipe.train, max_length=length))
