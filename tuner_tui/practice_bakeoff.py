"""The comparison on the practice world: the same code as `tuner compare`, on data that ships; no number is arranged."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from advisor.facts import Changes, Facts, Goal, Knowledge
from advisor.methods import Objective
from advisor.recipe import Metric, Recipe, TrainSpec
from advisor.words import Words
from tuner_tui import bakeoff, paths
from tuner_tui.runs.directory import write_atomic

KINDS = ("facts", "style", "both")
LABELS = {"facts": "ft/domain_qa:full", "style": "ft/style:lora", "both": "rag_ft/style:lora"}
LANES = {
    "facts": ("zero_shot", "few_shot", "rag", "ft"),
    "style": ("zero_shot", "few_shot", "ft"),
    "both": ("zero_shot", "few_shot", "rag", "ft", "rag_ft"),
}
GOALS = {"facts": [Goal.FRESH_KNOWLEDGE], "style": [Goal.STYLE], "both": [Goal.FRESH_KNOWLEDGE, Goal.STYLE]}
EXPOSURES, CHECKS = 100, 10
"""A fact that was shown a hundred times is kept at one bit a parameter (Allen-Zhu & Li 2024, arXiv 2404.05405)."""
Tell = Callable[[str], None]


def run_bakeoff(kind: str, told: Words, tell: Tell) -> dict[str, Any]:
    """Train what the kind needs, then compare its lanes; the document of `tuner compare --json` and `seconds`."""
    began = time.monotonic()
    recipe = recipe_of(kind, facts_of(kind))
    run = bakeoff.run_recipe(recipe, told, tell)
    document = bakeoff.compare(
        asked_of(kind, recipe),
        LANES[kind],
        tuned=bakeoff.result_of(run),
        goal=0.9,
        told=told,
        tell=tell,
        advice=bakeoff.advised(recipe),
    )
    return document | {"kind": kind, "run": run.id, "seconds": round(time.monotonic() - began, 1)}


def facts_of(kind: str) -> Facts:
    """The practice company's facts, as they are for this job: product facts change, the house style does not."""
    from tuner_tui.journey import practice_facts

    changing = kind != "style"
    knowledge = Knowledge(changes=Changes.FAST if changing else Changes.STATIC, fits_in_context=not changing)
    return structs.replace(practice_facts(), goals=GOALS[kind], knowledge=knowledge)


def recipe_of(kind: str, facts: Facts) -> Recipe:
    """The plan's own recipe for the kind's label and files, judged while it trains on rows split from its own data.

    The questions of the comparison are seen by nothing before it: not by the choice of the best checkpoint either.
    """
    from tuner_tui.journey import practice_recipe

    samples = paths.samples()
    data: dict[str, str | None] = {"docs": None if kind == "style" else str(samples / "world"), "eval": None}
    if kind == "both":
        data["train"] = str(samples / "data" / "style_passages.train.jsonl")
    recipe = practice_recipe(facts, LABELS[kind], **data)
    evaluation, train = recipe.evaluation, recipe.train
    if kind == "both":
        evaluation = structs.replace(evaluation, metric=Metric.EXACT_MATCH, pattern=None)
    if kind == "facts":
        train = _by_heart(recipe)
    # BM25 is what answers; the embedding model is named so that dense retrieval and fusion are scored beside it.
    retrieval = structs.replace(recipe.retrieval, embedding=str(samples / "embedding"))
    return structs.replace(recipe, name=f"bakeoff-{kind}", evaluation=evaluation, retrieval=retrieval, train=train)


def _by_heart(recipe: Recipe) -> TrainSpec:
    """As many passes as show each fact EXPOSURES times, ended early where the rows held out say so.

    The plan's few passes teach how to answer; with them the lane would know nothing and lose for the wrong reason.
    """
    rows = _rows(Path(recipe.data.train))
    passes = math.ceil(EXPOSURES * len({row["answer"] for row in rows}) / len(rows))
    steps = math.ceil(len(rows) * (1 - recipe.data.eval_fraction) / recipe.train.micro_batch) * passes
    often = max(steps // CHECKS, 1)
    return structs.replace(recipe.train, epochs=float(passes), eval_steps=often, save_steps=often)


def asked_of(kind: str, recipe: Recipe) -> Recipe:
    """The recipe on the kind's held-out questions."""
    from tuner_tui.practice_data import practice_data

    eval_file = practice_data(Objective.STYLE).data.eval if kind == "style" else str(_questions(kind))
    return structs.replace(recipe, data=structs.replace(recipe.data, eval=eval_file))


def _questions(kind: str) -> Path:
    """Questions about the world as it is now, each row saying whether its fact changed after the training data."""
    samples = paths.samples()
    facts = _rows(samples / "world" / "facts.jsonl")
    changed = {(row["doc"], row["answer"]) for row in facts if row["before"] is not None}
    dress = _dressed(samples / "data" / "style_passages.train.jsonl") if kind == "both" else lambda lang, answer: answer
    rows = [
        {
            "question": row["question"],
            "answer": dress(row["lang"], row["answer"]),
            "doc": row["doc"],
            "group": "changed" if (row["doc"], row["answer"]) in changed else "unchanged",
        }
        for row in _rows(samples / "data" / "questions.test.jsonl")
    ]
    path = paths.home() / "compare" / f"{kind}.eval.jsonl"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(path, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


def _rows(path: Path) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]


def _dressed(path: Path) -> Callable[[str, str], str]:
    """How the house style dresses an answer, by language, as the practice data itself shows it."""
    said = [row["messages"][-1]["content"] for row in _rows(path)]
    around: dict[str, tuple[str, str]] = {}
    for lang in ("ko", "en"):
        own = [text for text in said if any("가" <= letter <= "힣" for letter in text) == (lang == "ko")]
        front = os.path.commonprefix(own)  # noqa: RUF071  text, not paths
        back = os.path.commonprefix([text[::-1] for text in own])[::-1]  # noqa: RUF071
        said_first = max(front.rfind(end) + len(end) for end in (". ", "] ") if end in front)
        around[lang] = (front[:said_first], back[back.index(" ") :])
    return lambda lang, answer: f"{around[lang][0]}{answer}{around[lang][1]}"
