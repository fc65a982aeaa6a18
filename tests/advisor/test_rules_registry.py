"""Every rule and caution is complete: words in both languages, a source, a case where it speaks and one where not."""

import re
from pathlib import Path

import pytest
import yaml

from advisor.candidates import LABELS
from advisor.case import Case
from advisor.cautions import CAUTIONS
from advisor.cautions.caution import Seen, Warner
from advisor.explain import _READERS, rule_text
from advisor.facts import Facts, facts_from
from advisor.rules import RULES, Rule
from advisor.tally import tally
from advisor.words import words

FOLDER = Path(__file__).parent
FIRING = yaml.safe_load((FOLDER / "firing.yaml").read_text(encoding="utf-8"))
RESEARCH = yaml.safe_load((FOLDER / "research_rules.yaml").read_text(encoding="utf-8"))
ALWAYS = {"ORD001"}
"""Rules about the answers themselves, which read no fact and so are never silent."""


def speaks(unit: Rule | Warner, facts: Facts) -> bool:
    case = Case(facts)
    if isinstance(unit, Rule):
        return unit.check(case) is not None
    result = tally(case)
    return unit.check(Seen(case, LABELS[result.winner], result)) is not None


@pytest.mark.parametrize("unit", [*RULES, *CAUTIONS], ids=lambda unit: unit.id)
def test_it_speaks_in_one_case_and_is_silent_in_another(unit: Rule | Warner) -> None:
    cases = FIRING[unit.id]
    assert speaks(unit, facts_from(cases["fires"], unit.id))
    assert ("silent" in cases) == (unit.id not in ALWAYS)
    if "silent" in cases:
        assert not speaks(unit, facts_from(cases["silent"], unit.id))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_s_words_fill_in_both_languages(rule: Rule) -> None:
    outcome = rule.check(Case(facts_from(FIRING[rule.id]["fires"], rule.id)))
    assert outcome is not None
    for lang in ("en", "ko"):
        text = rule_text(rule, words(lang), outcome.params)
        assert "{" not in text
        assert "?" not in text
        assert words(lang).has(f"rule.{rule.id}.name")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_an_id_a_source_and_known_facts(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z]{3}\d{3}", rule.id)
    assert rule.sources
    assert (rule.check.__doc__ or "").strip()
    assert all(path in _READERS for path in rule.reads)
    assert bool(rule.reads) == (rule.id not in ALWAYS)


@pytest.mark.parametrize("rule", list(RULES), ids=lambda rule: rule.id)
def test_a_veto_names_what_stays_open(rule: Rule) -> None:
    outcome = rule.check(Case(facts_from(FIRING[rule.id]["fires"], rule.id)))
    if outcome is not None and outcome.vetoes:
        text = words("en").say(f"rule.{rule.id}.text")
        assert re.search(r"remain|stays|show them in the prompt|first, or|write the checker", text, re.IGNORECASE), text


def test_every_caution_has_a_source() -> None:
    assert all(warner.sources for warner in CAUTIONS)


def test_every_rule_of_the_research_is_built() -> None:
    """Numbers 1 to 58 of the research note, each carried by rules, cautions or steps of the plan that exist."""
    known = {rule.id for rule in RULES} | {warner.id for warner in CAUTIONS}
    known |= {key for key in words("en").table if key.startswith("plan.")}
    assert sorted(RESEARCH) == list(range(1, 59))
    for number, carriers in RESEARCH.items():
        assert carriers, number
        assert set(carriers) <= known, (number, set(carriers) - known)
