"""The practice comparison: the plan's own numbers, nothing chosen on the questions that are compared on."""

import json
from pathlib import Path

import pytest

from tuner_tui import paths
from tuner_tui.practice_bakeoff import EXPOSURES, KINDS, LANES, _rows, asked_of, facts_of, recipe_of, run_bakeoff
from tuner_tui.training.formats import questions
from tuner_tui.training.rows import read_rows
from tuner_tui.words import words


def texts(path: str) -> set[str]:
    return {questions(at, row)[0].question for at, row in read_rows(Path(path))}


@pytest.mark.parametrize("kind", KINDS)
def test_the_training_run_never_sees_the_questions_of_the_comparison(kind: str) -> None:
    recipe = recipe_of(kind, facts_of(kind))
    asked = asked_of(kind, recipe)
    assert recipe.data.eval is None
    assert asked.data.eval is not None
    assert not texts(recipe.data.train) & texts(asked.data.eval)
    assert (recipe.data.docs is None) == (kind == "style")


def test_only_facts_need_more_passes_than_the_plan_gives() -> None:
    for kind in ("style", "both"):
        recipe = recipe_of(kind, facts_of(kind))
        assert recipe.train.epochs == 7
        assert recipe.train.eval_steps == recipe.train.save_steps
        assert recipe.train.keep_best
    facts = recipe_of("facts", facts_of("facts"))
    rows = [json.loads(line) for line in Path(facts.data.train).read_bytes().splitlines()]
    wordings = len(rows) / len({row["answer"] for row in rows})
    assert EXPOSURES <= facts.train.epochs * wordings < EXPOSURES + wordings


def test_rows_say_whether_their_fact_changed_after_training() -> None:
    asked = asked_of("facts", recipe_of("facts", facts_of("facts")))
    groups = [json.loads(line)["group"] for line in Path(asked.data.eval or "").read_bytes().splitlines()]
    changed = [row for row in _rows(paths.samples() / "world" / "facts.jsonl") if row["before"] is not None]
    assert groups.count("changed") == len(changed) > 40


def test_both_wants_the_right_fact_in_the_house_style_word_for_word() -> None:
    import re

    pattern = json.loads((paths.samples() / "data" / "style.metric.json").read_text(encoding="utf-8"))["pattern"]
    asked = asked_of("both", recipe_of("both", facts_of("both")))
    answers = [json.loads(line)["answer"] for line in Path(asked.data.eval or "").read_bytes().splitlines()]
    assert all(re.search(pattern, answer) for answer in answers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_practice_world_shows_what_the_brief_claims(kind: str) -> None:
    found = run_bakeoff(kind, words("en"), lambda line: None)
    scores = {lane["label"]: lane["score"] for lane in found["lanes"]}
    groups = {lane["label"]: lane["groups"] for lane in found["lanes"]}
    assert list(scores) == list(LANES[kind])
    assert found["seconds"] <= 600
    if kind == "facts":
        assert scores["rag"] >= 0.9
        assert groups["ft"]["changed"] < groups["rag"]["changed"]
        assert groups["ft"]["unchanged"] > groups["ft"]["changed"]
    if kind == "style":
        assert scores["ft"] >= 0.9
        assert scores["few_shot"] <= 0.5
    if kind == "both":
        assert scores["rag_ft"] > max(scores["rag"], scores["ft"])
        assert found["verdict"]["label"] == "rag_ft"
