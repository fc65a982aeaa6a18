"""Hyperparameters follow size, rows and lengths by rules that can be read off the recipe."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.defaults import plan_recipe
from advisor.errors import InputError
from advisor.facts import Facts, Gpu, Hardware, Model
from advisor.methods import Objective, Technique
from advisor.rates import learning_rate, rounded, width_of
from advisor.recipe import DataSpec, Metric, ModelSpec, Recipe, decode_recipe, encode_recipe
from advisor.setting import Known

SIZES = st.one_of(st.none(), st.floats(1e-4, 400))
ROWS = st.one_of(st.none(), st.integers(1, 2_000_000))
TOKENS = st.one_of(st.none(), st.integers(1, 200_000))
LABELS = [f"ft/{objective}:{technique}" for objective in Objective for technique in Technique] + [
    "ft/sft>dpo:lora",
    "ft/cpt>sft>dpo:qlora",
    "ft/sft+refusal:full",
    "rag_ft/domain_qa:lora",
    "zero_shot",
    "rag",
]

unhurried = settings(max_examples=60, deadline=None)


def facts(params_b: float | None = 8.0, *, gpu: bool = True) -> Facts:
    gpus = [Gpu(name="RTX 4090", vram_gb=24.0)] if gpu else []
    return Facts(model=Model(params_b=params_b), hardware=Hardware(gpus=gpus))


def planned(label: str = "ft/sft:lora", *, rows: int | None = 3000, p95: int | None = 400, **options: object) -> Recipe:
    known = options.pop("known", None)
    where = options.pop("facts", facts())
    return plan_recipe(
        where,  # type: ignore[arg-type]
        label,
        ModelSpec(id="some/model"),
        DataSpec(train="train.jsonl", eval="test.jsonl"),
        rows=rows,
        tokens_p95=p95,
        name="run",
        known=known,  # type: ignore[arg-type]
        lang=str(options.pop("lang", "en")),
    )


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_label_gets_a_recipe_that_reads_back_equal(label: str, lang: str) -> None:
    recipe = planned(label, lang=lang)
    assert decode_recipe(encode_recipe(recipe), "recipe") == recipe


@unhurried
@given(st.sampled_from(LABELS), SIZES, ROWS, TOKENS, TOKENS, st.booleans())
def test_no_rule_leaves_the_allowed_range(
    label: str, size: float | None, rows: int | None, p95: int | None, longest: int | None, gpu: bool
) -> None:
    recipe = planned(label, rows=rows, p95=p95, facts=facts(size, gpu=gpu), known=Known(tokens_max=longest))
    msgspec.convert(msgspec.to_builtins(recipe), Recipe)
    train = recipe.train
    assert train.max_length <= 4096
    if rows is not None:
        objectives = recipe.parsed_label.stages[0] if recipe.parsed_label.stages else ()
        least = 16 if {Objective.GRPO, Objective.RLHF_PPO} & set(objectives) else 2
        assert train.micro_batch * train.grad_accum <= max(rows, least)


@unhurried
@given(SIZES, ROWS, TOKENS)
def test_every_reason_names_a_field_that_exists(size: float | None, rows: int | None, p95: int | None) -> None:
    recipe = planned(rows=rows, p95=p95, facts=facts(size))
    raw = msgspec.to_builtins(recipe)
    for field, reason in recipe.why.items():
        section, _, key = field.partition(".")
        assert key in raw[section]
        assert reason
        assert "{" not in reason


def test_the_rate_of_an_8b_adapter_is_what_the_source_gives() -> None:
    found = learning_rate(Objective.SFT, Technique.LORA, width=4096, family="llama", steps=1000)
    assert found.value == pytest.approx(5e-5 * 10 * (2000 / 4096) ** 0.781, rel=0.05)


def test_narrow_models_and_adapters_take_higher_rates() -> None:
    rates = [learning_rate(Objective.SFT, Technique.LORA, width=width).value for width in (256, 1024, 4096, 8192)]
    assert rates == sorted(rates, reverse=True)
    full = learning_rate(Objective.SFT, Technique.FULL, width=4096).value
    assert learning_rate(Objective.SFT, Technique.LORA, width=4096).value == pytest.approx(10 * full, rel=0.1)
    assert learning_rate(Objective.DPO, Technique.LORA, width=4096).value < full


def test_short_preference_runs_take_larger_steps_and_long_ones_the_published_share() -> None:
    rates = [
        learning_rate(Objective.DPO, Technique.LORA, width=4096, steps=steps).value for steps in (120, 400, 1200, 9000)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[2] == rates[3] == pytest.approx(7.1e-6, rel=0.05)
    assert rates[0] == pytest.approx(7.1e-5, rel=0.05)


def test_the_family_of_the_model_counts_and_its_name_does_not() -> None:
    qwen = learning_rate(Objective.SFT, Technique.LORA, width=4096, family="qwen3").value
    assert qwen > learning_rate(Objective.SFT, Technique.LORA, width=4096, family="llama").value


@pytest.mark.parametrize(("params_b", "width"), [(0.135, 1152), (1.2, 2368), (8.0, 4416), (70.0, 9088)])
def test_width_follows_size_when_it_is_not_known(params_b: float, width: int) -> None:
    assert width_of(params_b) == width


def test_rates_have_two_digits() -> None:
    assert rounded(0.00028563) == 0.00029
    assert rounded(2.513e-3) == 0.0025


def test_few_rows_are_seen_often_and_many_once() -> None:
    epochs = [planned(rows=rows).train.epochs for rows in (50, 500, 3000, 50_000, 500_000)]
    assert epochs == [15, 6, 3, 2, 1]


def test_held_out_rows_are_not_counted_as_training_rows() -> None:
    held = plan_recipe(
        facts(), "ft/sft:lora", ModelSpec(id="m"), DataSpec(train="t"), rows=200, tokens_p95=None, name="run"
    )
    assert "180 rows" in held.why["train.epochs"]


def test_alike_rows_are_not_cut_and_outliers_are() -> None:
    assert planned(p95=400, known=Known(tokens_max=500)).train.max_length == 512
    assert planned(p95=400, known=Known(tokens_max=30_000)).train.max_length == 448
    assert planned(p95=9000, known=Known(tokens_max=9000, context=2048)).train.max_length == 2048


def test_quantized_base_goes_with_qlora_only() -> None:
    assert planned("ft/sft:qlora").adapter.quant == "nf4_double"
    assert planned("ft/sft:lora").adapter.quant is None


def test_preference_training_is_judged_by_preferences() -> None:
    recipe = planned("ft/dpo:lora")
    assert recipe.evaluation.metric is Metric.PREFERENCE
    assert recipe.train.beta == 0.1
    assert planned("ft/sft:lora").train.beta is None


@pytest.mark.parametrize("rows", [3, 12, 480])
def test_answers_made_in_training_come_in_whole_groups_and_kto_has_rows_to_compare(rows: int) -> None:
    for where in (facts(0.004, gpu=False), facts(8.0)):
        reinforced = planned("ft/grpo:lora", rows=rows, facts=where).train
        assert reinforced.micro_batch * reinforced.grad_accum % 8 == 0
        assert planned("ft/kto:lora", rows=rows, facts=where).train.micro_batch >= 2


def test_a_chain_has_its_own_numbers_for_each_stage() -> None:
    recipe = planned("ft/sft>dpo:lora")
    assert [stage.objective for stage in recipe.stages] == ["sft", "dpo"]
    first, second = (stage.train for stage in recipe.stages)
    assert first is not None
    assert second is not None
    assert second.learning_rate < first.learning_rate
    assert second.beta == 0.1


def test_rows_at_once_follow_the_memory_of_the_card() -> None:
    def at_once(vram_gb: float, label: str = "ft/sft:lora") -> tuple[int, bool]:
        gpus = [Gpu(name="card", vram_gb=vram_gb)]
        where = Facts(model=Model(params_b=8.0), hardware=Hardware(gpus=gpus))
        train = planned(label, facts=where, p95=1000, known=Known(tokens_max=1000)).train
        assert train.micro_batch * train.grad_accum == 16
        return train.micro_batch, train.grad_ckpt

    cards = [at_once(vram) for vram in (24, 40, 80, 141)]
    assert [twice for _, twice in cards] == [True, True, False, False]
    assert cards[0][0] < cards[1][0]
    assert cards[2][0] < cards[3][0]
    assert at_once(24, "ft/sft:qlora")[0] >= cards[0][0]


@pytest.mark.parametrize(
    ("label", "params_b", "vram_gb", "optimizer", "said"),
    [
        ("ft/sft:full", 1.5, 141.0, "adamw_torch_fused", "eight bytes a weight, fit into 132.5 GiB"),
        ("ft/sft:full", 1.5, 24.0, "adamw_8bit", "would fit into 22.6 GiB"),
        ("ft/sft:full", 8.0, 80.0, "paged_adamw_8bit", "not even 8-bit states fit into 75.2 GiB"),
        ("ft/sft:qlora", 8.0, 80.0, "adamw_torch_fused", "nothing to save"),
        ("ft/sft:qlora", 32.0, 24.0, "paged_adamw_8bit", "memory is tight"),
        ("ft/sft:full", 1.5, None, "adamw_8bit", "is not known"),
        ("ft/sft:full", 0.1, None, "adamw_torch_fused", "large models on a GPU"),
    ],
)
def test_optimizer_states_are_small_only_where_memory_needs_it(
    label: str, params_b: float, vram_gb: float | None, optimizer: str, said: str
) -> None:
    where = Facts(model=Model(params_b=params_b), hardware=Hardware(gpus=[Gpu(name="card", vram_gb=vram_gb)]))
    recipe = planned(label, facts=where)
    assert recipe.train.optimizer == optimizer
    assert said in recipe.why["train.optimizer"]


def test_what_the_trainer_decides_itself_has_its_reason_too() -> None:
    assert {"train.scheduler", "train.precision", "train.max_grad_norm", "train.threads"} <= set(
        planned(facts=facts(0.5, gpu=False)).why
    )
    held = plan_recipe(
        facts(), "ft/sft:lora", ModelSpec(id="m"), DataSpec(train="t"), rows=200, tokens_p95=None, name="run"
    )
    assert held.why["data.eval_fraction"].startswith("10%")
    assert held.train.keep_best
    assert held.train.patience == 3
    assert "data.eval_fraction" not in planned().why


def test_a_width_that_was_guessed_is_marked() -> None:
    assert "hidden size ~4416)" in planned().why["train.learning_rate"]
    assert "hidden size 4096) ^ 0.781" in planned(known=Known(hidden_size=4096)).why["train.learning_rate"]


def test_what_cannot_fit_is_said() -> None:
    where = Facts(model=Model(params_b=70.0), hardware=Hardware(gpus=[Gpu(vram_gb=24.0)]))
    recipe = planned("ft/sft:full", facts=where)
    assert (recipe.train.micro_batch, recipe.train.grad_ckpt) == (1, True)
    assert "may not fit" in recipe.why["train.micro_batch"]


def test_reasons_speak_korean() -> None:
    assert all(any("가" <= letter <= "힣" for letter in reason) for reason in planned(lang="ko").why.values())


def test_an_impossible_label_is_named() -> None:
    with pytest.raises(InputError, match="ft/dance"):
        planned("ft/dance:lora")
