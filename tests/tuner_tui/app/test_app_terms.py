"""No jargon without help: every term is told in three lines, and every field of a recipe has its words."""

from __future__ import annotations

import msgspec
import pytest

from advisor.methods import Approach, Objective, Technique
from advisor.recipe import Recipe
from tuner_tui.widgets.chart import CURVE_TERMS
from tuner_tui.widgets.labels import FIELD_TERMS
from tuner_tui.words import words


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_term_says_what_when_and_whose_in_three_lines(lang: str) -> None:
    table = words(lang)
    known = {key.removeprefix("term.") for key in table.table if key.startswith("term.")}
    named = {each.value for group in (Approach, Objective, Technique) for each in group}
    named |= {term for terms in (*FIELD_TERMS.values(), *CURVE_TERMS.values()) for term in terms}
    assert named <= known
    for term in known:
        what, when, source = table.say(f"term.{term}").split("\n")
        assert what
        assert when
        assert source.startswith({"en": "Source: ", "ko": "출처: "}[lang])
        assert any(year in source for year in map(str, range(1980, 2027)))


def fields(struct: type[msgspec.Struct], above: str = "") -> list[str]:
    found = []
    for field in msgspec.structs.fields(struct):
        name = above + field.name
        found.append(name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct) and name != "facts":
            found += fields(field.type, f"{name}.")
    return found


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_field_of_a_recipe_is_explained_under_the_cursor(lang: str) -> None:
    missing = [name for name in fields(Recipe) if not words(lang).has(f"field.{name}")]
    assert missing == []
    assert [name for name in FIELD_TERMS if name not in fields(Recipe)] == []
