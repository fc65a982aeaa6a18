"""`tuner plan` writes a recipe that reads back, rests on what was counted, and says no with the remedy."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from advisor.recipe import Check, Metric, Recipe, decode_recipe
from tuner_tui import paths
from tuner_tui.cli import main

MODEL = paths.samples() / "model"
DATA = paths.samples() / "data"
pytestmark = pytest.mark.skipif(not (MODEL / "config.json").is_file(), reason="the practice model is not there")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNER_LANG", "en")
    monkeypatch.setenv("TUNER_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("label", "metric"),
    [
        ("ft/style:lora", Metric.REGEX),
        ("ft/style:qlora", Metric.REGEX),
        ("ft/dpo:lora", Metric.PREFERENCE),
        ("ft/orpo:lora", Metric.PREFERENCE),
        ("ft/domain_qa:full", Metric.EXACT_MATCH),
        ("ft/kto:lora", Metric.PREFERENCE),
        ("ft/sft+refusal:lora", Metric.EXACT_MATCH),
    ],
)
def test_practice_gives_a_recipe_for_each_method(label: str, metric: Metric, tmp_path: Path) -> None:
    out = tmp_path / "recipe.yaml"
    assert main(["plan", "--practice", "--label", label, "--out", str(out)]) == 0
    recipe = decode_recipe(out.read_bytes(), "recipe.yaml")
    assert (recipe.label, recipe.evaluation.metric) == (label, metric)
    assert recipe.facts is not None
    assert 0 < (recipe.facts.model.params_b or 0) < 0.05
    assert recipe.train.max_length <= 256
    assert recipe.why


def planned(label: str, folder: Path) -> Recipe:
    out = folder / "recipe.yaml"
    assert main(["plan", "--practice", "--label", label, "--out", str(out)]) == 0
    return decode_recipe(out.read_bytes(), "recipe.yaml")


def test_each_stage_of_a_chain_is_planned_from_its_own_file(tmp_path: Path) -> None:
    recipe = planned("ft/cpt>sft>dpo:lora", tmp_path)
    assert [Path(stage.data.train).name.partition(".")[0] for stage in recipe.stages if stage.data] == [
        "corpus", "instructions", "preference",
    ]  # fmt: skip
    trains = [stage.train for stage in recipe.stages if stage.train]
    assert [train.max_length for train in trains] == [64, 128, 64]
    assert len({train.epochs for train in trains}) == 3
    assert "91" in recipe.why["stages.1.train.max_length"]


def test_each_stage_of_a_chain_takes_a_file_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts, asked = tmp_path / "texts.jsonl", tmp_path / "asked.csv"
    texts.write_text("".join(json.dumps({"text": f"Number {at} is {at * 7}."}) + "\n" for at in range(30)))
    asked.write_text("질문,답변\n" + "".join(f"What is {at}?,{at * 7}.\n" for at in range(40)))
    out = tmp_path / "recipe.yaml"
    command = ["plan", "--model", str(MODEL), "--label", "ft/cpt>sft:lora", "--out", str(out), "--data", str(texts)]
    assert main(command) == 2
    assert "--data once for each stage" in capsys.readouterr().err
    assert main([*command, "--data", str(asked)]) == 0
    stages = [stage.data for stage in decode_recipe(out.read_bytes(), "recipe.yaml").stages if stage.data]
    assert [stage.train for stage in stages] == [str(texts), str(asked)]
    assert (stages[0].mapping, stages[1].mapping) == ({}, {"prompt": "질문", "completion": "답변"})
    assert all(stage.fingerprint for stage in stages)
    assert main([*command, "--data", str(asked), "--data", str(asked)]) == 2
    assert "2 stages" in capsys.readouterr().err


def test_pairs_serve_the_supervised_stage_before_their_comparison_too(tmp_path: Path) -> None:
    out, data = tmp_path / "recipe.yaml", str(DATA / "preference.train.jsonl")
    command = ["plan", "--model", str(MODEL), "--out", str(out), "--data", data, "--label"]
    assert main([*command, "ft/sft>dpo:lora"]) == 0
    assert main([*command, "ft/sft:lora"]) == 2


def test_a_mix_with_refusals_takes_the_file_that_holds_both(tmp_path: Path) -> None:
    assert Path(planned("ft/sft+refusal:lora", tmp_path).data.train).name == "refusal.train.jsonl"


def test_distillation_says_that_it_needs_a_teacher_and_does_not_begin_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "teacher.model" in planned("ft/distill:lora", tmp_path).why["teacher"]
    out = str(tmp_path / "recipe.yaml")
    assert main(["run", out]) == 2
    assert "names no teacher" in capsys.readouterr().err
    assert not list(tmp_path.glob("home/runs/*"))
    teacher = f"--set=teacher.model={MODEL}"
    assert main(["plan", "--practice", "--label", "ft/distill:lora", "--out", out, teacher]) == 0
    assert "teacher" not in decode_recipe(Path(out).read_bytes(), out).why


def test_tuning_with_retrieval_takes_questions_that_its_documents_answer(tmp_path: Path) -> None:
    data = planned("rag_ft/domain_qa:lora", tmp_path).data
    rows = [json.loads(line) for name in (data.train, data.eval) for line in Path(str(name)).read_text().splitlines()]
    fact = {row["doc"]: (Path(str(data.docs)) / row["doc"]).read_text() for row in rows}
    assert all(row["answer"].split(". ")[1].removesuffix(".") in fact[row["doc"]] for row in rows)


def test_rlhf_begins_with_a_supervised_stage_and_its_reward_model_has_its_own_rate(tmp_path: Path) -> None:
    recipe = planned("ft/rlhf_ppo:lora", tmp_path)
    assert [stage.objective for stage in recipe.stages] == ["sft", "rlhf_ppo"]
    assert recipe.stages[0].train is not None
    assert recipe.reward.train is not None
    supervised, rewarded = recipe.stages[0].train.learning_rate, recipe.reward.train.learning_rate
    assert rewarded == pytest.approx(supervised / 2, rel=0.05)
    assert recipe.train.learning_rate < rewarded / 5
    assert "Ouyang" in recipe.why["stages"]


def test_own_data_and_model_with_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "faq.jsonl"
    rows = [{"질문": f"{at}번은 어디인가요?", "답변": f"{at * 31}호실에 있습니다."} for at in range(40)]
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    command = ["plan", "--data", str(data), "--model", str(MODEL), "--label", "ft/sft:lora", "--json"]
    assert main([*command, "--set", "train.max_steps=7", "--set", "train.learning_rate=1e-4"]) == 0
    recipe = json.loads(capsys.readouterr().out)
    assert recipe["data"]["mapping"] == {"prompt": "질문", "completion": "답변"}
    assert (recipe["train"]["max_steps"], recipe["train"]["learning_rate"]) == (7, 1e-4)
    assert "train.learning_rate" not in recipe["why"]
    assert "train.epochs" in recipe["why"]
    assert recipe["facts"]["data"]["instruction_pairs"] == 40
    assert recipe["data"]["fingerprint"] == hashlib.sha256(data.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--label", "ft/sft:lora", "--model", str(MODEL)], "--data"),
        (["--label", "ft/sft:lora", "--data", str(DATA / "style.train.jsonl")], "--model"),
        (
            ["--label", "ft/dpo:lora", "--data", str(DATA / "style.train.jsonl"), "--model", str(MODEL)],
            "preference_pairs",
        ),
        (["--label", "ft/dance:lora", "--practice"], "dance"),
        (["--label", "ft/sft:lora", "--data", "/nowhere/rows.jsonl", "--model", str(MODEL)], "/nowhere/rows.jsonl"),
        (["--label", "ft/style:lora", "--practice", "--set", "train.learning_rat=1"], "train.learning_rate"),
        (["--practice", "--facts", "/nowhere/facts.yaml"], "/nowhere/facts.yaml"),
    ],
)
def test_bad_input_is_told_with_the_remedy(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "check"),
    [
        ("{0} and 1 make {1}.\n#### {1}", Check.NUMERIC),
        ("{1}", Check.NUMERIC),
        ("So \\boxed{{{1}}}.", Check.NUMERIC),
        ("{1} days", Check.EXACT),
        ("2026-10-{0}", Check.EXACT),
    ],
)
def test_answers_that_are_numbers_are_checked_as_numbers(answer: str, check: Check, tmp_path: Path) -> None:
    data, out = tmp_path / "rows.jsonl", tmp_path / "recipe.yaml"
    rows = [{"question": f"What is {at} plus 1?", "answer": answer.format(at, at + 1)} for at in range(10, 30)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ["plan", "--model", str(MODEL), "--label", "ft/grpo:lora", "--data", str(data), "--out", str(out)]
    assert main(command) == 0
    recipe = decode_recipe(out.read_bytes(), "recipe.yaml")
    wanted = Metric.REWARD if check is Check.NUMERIC else Metric.EXACT_MATCH
    assert (recipe.reward.check, recipe.evaluation.metric) == (check, wanted)


def test_every_kind_of_preference_training_is_judged_by_preference(tmp_path: Path) -> None:
    out, data = tmp_path / "recipe.yaml", str(DATA / "preference.train.jsonl")
    for method in ("dpo", "orpo", "kto", "rlhf_ppo"):
        command = ["plan", "--model", str(MODEL), "--label", f"ft/{method}:lora", "--data", data, "--out", str(out)]
        assert main(command) == 0
        assert decode_recipe(out.read_bytes(), "recipe.yaml").evaluation.metric is Metric.PREFERENCE


@pytest.mark.parametrize(("label", "then"), [("few_shot", "tuner compare"), ("ft/sft:lora", "tuner run")])
def test_the_next_command_is_one_that_does_something(
    label: str, then: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "recipe.yaml"
    assert main(["plan", "--practice", "--label", label, "--out", str(out)]) == 0
    assert f"{then} {out}" in capsys.readouterr().err


def test_reasons_speak_the_language_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "recipe.yaml"
    assert main(["--lang", "ko", "plan", "--practice", "--label", "ft/style:lora", "--out", str(out)]) == 0
    recipe = decode_recipe(out.read_bytes(), "recipe.yaml")
    assert "은닉 크기" in recipe.why["train.learning_rate"]


@pytest.mark.parametrize("damage", ["", "{broken\n"])
def test_what_training_cannot_read_is_to_be_prepared_first(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, ready = tmp_path / "hh.jsonl", tmp_path / "ready"
    ask = "\n\nHuman: question {}\n\nAssistant: "
    hh = [{"chosen": ask.format(at) + f"yes {at}", "rejected": ask.format(at) + "no"} for at in range(20)]
    split = [{"prompt": f"question {at}", "chosen": f"yes {at}", "rejected": "no"} for at in range(20)]
    data.write_text("".join(json.dumps(row) + "\n" for row in (split if damage else hh)) + damage, "utf-8")
    plan = ["plan", "--model", str(MODEL), "--label", "ft/dpo:lora", "--out", str(tmp_path / "recipe.yaml"), "--data"]
    assert main([*plan, str(data)]) == 2
    assert f"tuner prepare {data}" in capsys.readouterr().err
    assert main(["prepare", str(data), "--out", str(ready)]) == 0
    assert main([*plan, str(ready / "train.jsonl")]) == 0
