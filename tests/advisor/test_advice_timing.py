"""Hours of training: a range where all it rests on is known, and no number otherwise."""

import pytest

from advisor.advice import Hours
from advisor.engine import recommend
from advisor.facts import facts_from

KNOWN = {
    "goals": ["style"],
    "data": {"instruction_pairs": 3000, "preference_pairs": 2000},
    "model": {"params_b": 8, "access": "open", "kind": "instruct"},
    "hardware": {"gpus": [{"name": "RTX 4090", "vram_gb": 24}]},
    "history": {"prompting": "insufficient"},
}


def hours(label: str, **changed: dict[str, object]) -> Hours | None:
    """The hours of one label, with some sections of the facts changed."""
    advice = recommend(facts_from({**KNOWN, **changed}, "test"), flips=False)
    return next(row.hours for row in advice.ranking if row.label == label)


def test_the_range_is_a_range() -> None:
    found = hours("ft/style:lora")
    assert found is not None
    assert 0 < found.low < found.high


def test_ten_times_the_rows_take_ten_times_the_hours() -> None:
    few, many = hours("ft/style:lora"), hours("ft/style:lora", data={"instruction_pairs": 30_000})
    assert few is not None
    assert many is not None
    assert many.high == pytest.approx(10 * few.high, rel=0.05)


def test_a_second_stage_adds_its_hours() -> None:
    one, two = hours("ft/sft:lora"), hours("ft/sft>dpo:lora")
    assert one is not None
    assert two is not None
    assert two.high > one.high


@pytest.mark.parametrize(
    "changed",
    [
        {"hardware": {"gpus": [{"name": "Mystery 9", "vram_gb": 24}]}},
        {"hardware": {"gpus": [{"vram_gb": 24}]}},
        {"data": {"instruction_pairs": None}},
        {"model": {"params_b": None, "access": "open"}},
    ],
    ids=["unknown card", "unnamed card", "rows not counted", "size not known"],
)
def test_what_is_not_known_gives_no_number(changed: dict[str, dict[str, object]]) -> None:
    assert hours("ft/style:lora", **changed) is None


def test_what_is_ruled_out_has_no_hours() -> None:
    assert hours("ft/style:full") is None
    assert hours("few_shot") is None
