"""Whatever a recipe or facts file holds, reading it ends soon, in little memory, in a value or in words with a code."""

import time
import tracemalloc
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.document import MAX_DEPTH, parse_document
from advisor.errors import InputError
from advisor.facts import Facts, decode_facts
from advisor.part import apply_change
from advisor.recipe import Recipe, decode_recipe, encode_recipe

BASE = "label: ft/sft:lora\nmodel: {id: m}\ndata: {train: t}\n"
NINE = "".join(f"{c}: &{c} [{','.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True))
MERGED = "".join(
    f"{c}: &{c} {{<<: [{','.join(['*' + p] * 9)}]}}\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "a billion laughs": ("a: &a [x,x,x,x,x,x,x,x,x]\n" + NINE, "document.too_many"),
    "merged mappings": ("a: &a {x: 1}\n" + MERGED, "document.too_many"),
    "a ring": ("a: &a [*a]", "document.syntax"),
    "deep JSON": ("[" * 100_000, "document.too_deep"),
    "deep YAML": ("- " * 3000 + "a", "document.too_deep"),
    "deep flow": ("{a: " * 3000 + "1" + "}" * 3000, "document.too_deep"),
    "large": (BASE + "name: " + "x" * 5_000_000, "document.too_large"),
    "large YAML": (BASE + "# " + "x" * 2_000_000, "document.too_large"),
    "a sum of sixties": ("a: " + ":".join(["1"] * 100_000), "document.syntax"),
    "a long number": ("a: " + "9" * 100_000, "document.syntax"),
    "an object of Python": (BASE + "why: !!python/object/apply:os.system [id]", "document.syntax"),
    "a key twice": (BASE + "label: ft/sft:qlora\n", "document.twice"),
    "a key twice in JSON": ('{"label": "a", "label": "b"}', "document.twice"),
    "bytes": (b"\xff\xfe\x00", "document.syntax"),
    "a day that is none": ("a: 2020-99-99", "document.syntax"),
    "half a character": ('name: "\ud800"', "document.syntax"),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("read", [decode_recipe, decode_facts])
def test_a_hostile_document_is_refused_soon_and_in_little_memory(name: str, read) -> None:
    text, code = BOMBS[name]
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(InputError) as caught:
        read(text, "test")
    spent, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == code
    assert spent < 10
    assert peak < 64 << 20


def test_aliases_that_repeat_little_are_read() -> None:
    text = BASE + "train: &t {max_steps: 3}\nstages: [{objective: sft, train: *t}]"
    assert decode_recipe(text, "test").stages[0].train.max_steps == 3  # type: ignore[union-attr]


@pytest.mark.parametrize("written", ["1e-4", "1.0e-4", "0.0001", "1E-4", "+1e-4"])
def test_a_number_may_be_written_as_people_write_it(written: str) -> None:
    assert decode_recipe(BASE + f"train: {{learning_rate: {written}}}", "test").train.learning_rate == 1e-4


@pytest.mark.parametrize(
    "wrong",
    [
        *("learning_rate: '1e-4'", "learning_rate: 0", "learning_rate: -1", "learning_rate: 2e4", "packing: 'true'"),
        *("learning_rate: 1,5", "learning_rate: .nan", "epochs: .inf", "epochs: 0", "epochs: .nan", "max_steps: 0"),
        *("micro_batch: 0", "grad_accum: 0", "weight_decay: -1", "weight_decay: .inf", "max_length: 1.5"),
        *("keep_checkpoints: 0", "warmup_ratio: 1", "generations: 1", "micro_batch: null", "micro_batch: [1]"),
    ],
)
def test_a_hyperparameter_that_cannot_be_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_recipe(BASE + f"train: {{{wrong}}}", "test")
    assert "train" in str(caught.value)
    assert caught.value.code.startswith("recipe.")


@pytest.mark.parametrize("wrong", ["rank: 0", "alpha: 0", "dropout: 1", "dropout: -0.1", "rank: 2.5"])
def test_an_adapter_that_cannot_be_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(InputError, match=r"adapter\."):
        decode_recipe(BASE + f"adapter: {{{wrong}}}", "test")


def test_a_misspelt_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(InputError, match=r"train\.learning_rate"):
        decode_recipe(BASE + "train: {learning_rat: 0.1}", "test")


def test_a_recipe_of_a_newer_tuner_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        decode_recipe(BASE + "version: 99", "test")
    assert caught.value.code == "recipe.newer"


TEXT = st.text(max_size=30) | st.sampled_from(
    ["\x1b]52;c;eA==\x07", "1e-4", "[/red]", "*a", "&a", "<<", "한글", "null"]
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
TREE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))
KEYS = st.sampled_from([*Recipe.__struct_fields__, *Facts.__struct_fields__, "id", "train", "rank", "gpus", "kind"])
SHAPED = st.dictionaries(KEYS, TREE | st.dictionaries(KEYS, TREE, max_size=4), max_size=6)


def refusal(read) -> InputError | None:
    """The words with which something is refused; None when it is taken; any other error goes through."""
    try:
        read()
    except InputError as error:
        return error
    return None


@given(st.binary(max_size=300) | TEXT | SHAPED.map(lambda tree: yaml.safe_dump(tree)))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_are_a_value_or_words(text: bytes | str) -> None:
    for read in (decode_recipe, decode_facts, parse_document):
        said = refusal(lambda read=read: read(text, "test"))
        assert said is None or said.text("en").endswith(f"[{said.code}]")
        assert said is None or said.text("ko")


def test_a_value_that_is_no_yaml_is_text_such_as_a_pattern() -> None:
    raw: dict[str, Any] = {}
    apply_change(raw, "prompting.pattern=[0-9]{1,3}(일|원)")
    assert raw == {"prompting": {"pattern": "[0-9]{1,3}(일|원)"}}


def test_a_key_of_a_part_that_is_left_out_can_be_set() -> None:
    raw: dict[str, Any] = {"teacher": None}
    apply_change(raw, "teacher.model=m")
    assert raw == {"teacher": {"model": "m"}}


@given(KEYS, KEYS, TEXT)
@settings(max_examples=200, deadline=None)
def test_any_change_is_applied_or_refused(section: str, key: str, value: str) -> None:
    said = refusal(lambda: apply_change({"label": "x", "train": {}}, f"{section}.{key}={value}"))
    assert said is None or said.code == "recipe.change"


@given(st.floats(1e-12, 1.0, exclude_min=True), st.text(max_size=20), st.integers(1, 10**6))
@settings(max_examples=100, deadline=None)
def test_a_recipe_is_read_as_it_was_written(rate: float, name: str, steps: int) -> None:
    try:
        raw = decode_recipe(BASE + yaml.safe_dump({"name": name, "train": {"learning_rate": rate}}), "test")
    except InputError:
        return  # a name that YAML itself cannot carry
    assert decode_recipe(encode_recipe(raw), "again") == raw


@pytest.mark.parametrize("depth", [MAX_DEPTH - 5])
def test_ordinary_depth_is_read(depth: int) -> None:
    assert parse_document("[" * depth + "]" * depth, "test")
    assert parse_document("- " * depth + "a", "test")
