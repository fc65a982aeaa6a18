"""What must hold for any facts at all."""

import re
from itertools import chain

import msgspec
import pytest
from generated_facts import FACTS, SIZES
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from advisor.advice import Verdict
from advisor.candidates import LABELS, NAMES
from advisor.case import Case
from advisor.engine import recommend
from advisor.explain import _READERS
from advisor.facts import Access, Facts, Gpu, Hardware, Model
from advisor.flips import _walks
from advisor.methods import parse_label
from advisor.rules import RULES
from advisor.tally import BARRED, VETO, row_of, tally

settings.register_profile("advice", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("advice")

COUNTS = ("documents", "instruction_pairs", "preference_pairs", "binary_feedback", "verifiable_rewards")
FLOOR_GB_PER_B = {"full": 8.0, "lora": 2.0, "prefix": 2.0, "prompt": 2.0, "qlora": 0.5}


@given(FACTS)
def test_the_answer_is_one_legal_label_that_nothing_ruled_out(facts: Facts) -> None:
    advice = recommend(facts, flips=False)
    assert str(parse_label(advice.label)) == advice.label
    assert [row.label for row in advice.ranking if row.verdict == Verdict.RECOMMENDED] == [advice.label]
    assert advice.ranking[0].label == advice.label
    assert {row.label for row in advice.ranking} == set(NAMES)
    assert 0 < advice.confidence < 1
    assert advice.plan
    assert all(reason.text and reason.source for reason in advice.reasons)
    assert advice.reasons


@given(FACTS)
def test_every_other_candidate_has_a_decisive_reason_unless_it_is_as_good(facts: Facts) -> None:
    won, *others = recommend(facts, flips=False).ranking
    for row in others:
        assert row.rules or (row.score == won.score and row.verdict == Verdict.POSSIBLE), row


@given(FACTS)
def test_what_cannot_fit_is_never_advised(facts: Facts) -> None:
    advice = recommend(facts, flips=False)
    gpus, size = facts.hardware.gpus, facts.model.params_b
    if facts.model.access != Access.OPEN or advice.technique is None or size is None or not gpus:
        return
    if all(gpu.vram_gb is not None for gpu in gpus):
        assert FLOOR_GB_PER_B[advice.technique] * size <= sum(gpu.vram_gb or 0 for gpu in gpus)


@given(FACTS)
def test_without_a_gpu_only_a_tiny_model_is_trained(facts: Facts) -> None:
    machine = structs.replace(facts, hardware=Hardware(gpus=[]), model=Model(params_b=3.0, access=Access.OPEN))
    assert recommend(machine, flips=False).technique is None


def vetoed(facts: Facts) -> set[str]:
    return {NAMES[at] for at, total in enumerate(tally(Case(facts)).totals) if total <= BARRED}


@given(FACTS, st.data())
def test_more_memory_never_rules_out_what_was_possible(facts: Facts, data: st.DataObject) -> None:
    gpus = facts.hardware.gpus or []
    sizes = [gpu.vram_gb for gpu in gpus]
    if not gpus or None in sizes:
        return
    larger = [Gpu(vram_gb=(size or 0) + data.draw(st.sampled_from([0.0, 1.0, 8.0, 40.0]))) for size in sizes]
    larger += [Gpu(vram_gb=data.draw(SIZES)) for _ in range(data.draw(st.integers(0, 2)))]
    assert vetoed(structs.replace(facts, hardware=Hardware(gpus=larger))) <= vetoed(facts)


@given(FACTS, st.sampled_from(COUNTS), st.integers(1, 10**6))
def test_more_data_never_rules_out_what_was_possible(facts: Facts, kind: str, more: int) -> None:
    now = getattr(facts.data, kind)
    if now is not None:
        richer = structs.replace(facts, data=structs.replace(facts.data, **{kind: now + more}))
        assert vetoed(richer) <= vetoed(facts)


@given(FACTS, st.randoms(use_true_random=False))
def test_the_order_of_the_machine_s_cards_and_of_json_keys_does_not_matter(facts: Facts, random: object) -> None:
    plain = msgspec.to_builtins(facts)
    gpus = list(facts.hardware.gpus or [])
    random.shuffle(gpus)  # type: ignore[attr-defined]
    turned = {section: plain[section] for section in reversed(list(plain))}
    again = msgspec.convert(turned, Facts)
    if facts.hardware.gpus is not None:
        again = structs.replace(again, hardware=structs.replace(again.hardware, gpus=gpus))
    assert recommend(again, flips=False).label == recommend(facts, flips=False).label


@given(FACTS)
def test_the_evidence_of_every_reason_is_in_the_facts(facts: Facts) -> None:
    advice = recommend(facts, flips=False)
    for reason in [*advice.reasons, *advice.against]:
        for path, value in reason.evidence.items():
            assert msgspec.to_builtins(_READERS[path](facts)) == value


@settings(max_examples=30)
@given(FACTS)
def test_the_same_facts_give_the_same_bytes(facts: Facts) -> None:
    first = msgspec.json.encode(recommend(facts))
    assert msgspec.json.encode(recommend(msgspec.convert(msgspec.to_builtins(facts), Facts))) == first


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d[\d,.]*\d|\d", text))


@settings(max_examples=30)
@given(FACTS)
def test_korean_and_english_say_the_same_numbers(facts: Facts) -> None:
    english, korean = recommend(facts, lang="en"), recommend(facts, lang="ko")
    assert english.label == korean.label
    assert english.confidence == korean.confidence
    for ours, theirs in ((english.reasons, korean.reasons), (english.against, korean.against)):
        for one, other in zip(ours, theirs, strict=True):
            assert one.rule == other.rule
            assert numbers(one.text) == numbers(other.text), one.rule
    for one, other in zip(english.warnings, korean.warnings, strict=True):
        assert numbers(one.text) == numbers(other.text), one.id
    for step, schritt in zip(english.plan, korean.plan, strict=True):
        assert numbers(step) == numbers(schritt)
    for flip, other_flip in zip(english.flips, korean.flips, strict=True):
        assert numbers(flip.change) == numbers(other_flip.change)


@settings(max_examples=30, phases=[Phase.generate])
@given(FACTS)
def test_a_rule_reads_only_the_facts_that_it_names(facts: Facts) -> None:
    """The search for flips asks only the rules that read the changed fact: it must get what asking all would."""
    before = tally(Case(facts))
    for change in chain.from_iterable(_walks(facts)):
        case = Case(change.facts)
        for rule, row in zip(RULES, before.rows, strict=True):
            assert change.path in rule.reads or row_of(rule.check(case)) == row, (rule.id, change.path)


@settings(max_examples=30)
@given(FACTS)
def test_every_flip_is_true(facts: Facts) -> None:
    advice = recommend(facts)
    changed = {(c.path, str(c.value)): c.facts for walk in _walks(facts) for c in walk}
    for flip in advice.flips:
        assert flip.label != advice.label
        assert recommend(changed[flip.fact, str(flip.value)], flips=False).label == flip.label


@given(FACTS)
def test_no_sum_of_votes_can_outweigh_a_veto(facts: Facts) -> None:
    result = tally(Case(facts))
    for row in result.rows:
        assert max(row.points) < -VETO / (10 * len(RULES))
    for at, total in enumerate(result.totals):
        barred = any(row.points[at] <= BARRED for row in result.rows)
        assert (total <= BARRED) == barred, NAMES[at]


@given(FACTS)
def test_something_that_needs_no_training_is_always_left_open(facts: Facts) -> None:
    assert not {"zero_shot", "few_shot", "rag"} <= vetoed(facts)


@pytest.mark.parametrize("label", LABELS, ids=str)
def test_every_candidate_is_a_label_of_the_contract(label: object) -> None:
    assert str(parse_label(str(label))) == str(label)
