"""Stages start from what the last one left; a teacher's answers are learned; an earlier run goes on."""

import json
import os
from pathlib import Path

import little
import msgspec
import pytest

from advisor.recipe import Recipe
from tuner_tui.runs.after import goes_on_from

LEARN = {"train__max_steps": 30, "train__learning_rate": 0.02}
ONLINE = {"max_steps": 6, "learning_rate": 0.003, "micro_batch": 16, "max_length": 48, "threads": 1, "generations": 4}


@pytest.fixture(scope="session")
def tuned(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished full run that answers as its data does."""
    run = tmp_path_factory.mktemp("tuned") / "run"
    made = little.recipe(world, "ft/sft:full", "pairs", "exact_match", train__max_steps=80, train__learning_rate=0.005)
    assert little.start(run, made) == 0
    assert little.report(run)["after"]["score"] > 0.3, little.report(run)["samples"]
    return run


@pytest.mark.slow
def test_a_preference_stage_goes_on_from_the_supervised_one(world: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    made = little.recipe(world, "ft/sft>dpo:lora", "preference", "preference_accuracy", **LEARN)
    made["stages"] = [
        {"objective": "sft", "train": made["train"] | {"max_steps": 10}},
        {"objective": "dpo", "train": made["train"] | {"max_steps": 8, "learning_rate": 0.01}},
    ]
    assert little.start(run, made) == 0, little.events(run, "exit")
    found = little.report(run)
    assert found["success"], found["checks"]
    assert found["steps"] == 18
    steps = [event["step"] for event in little.events(run, "step")]
    assert steps == list(range(1, 19))
    assert {event["total"] for event in little.events(run, "step")} == {18}
    assert [event["stage"] for event in little.events(run, "start")] == [1, 2]
    assert [event["when"] for event in little.events(run, "eval") if "when" in event] == ["before", "after"]
    first = little.report(run / "stages" / "1-sft")["after"]
    second = little.report(run / "stages" / "2-dpo")["before"]
    assert first["loss"] == pytest.approx(second["loss"], abs=1e-4)
    assert json.loads((run / "adapter" / "adapter_config.json").read_text())["peft_type"] == "LORA"
    assert not (run / "adapter" / "ref").exists()


@pytest.mark.parametrize(
    ("label", "kind", "metric"),
    [
        ("ft/grpo:lora", "checkable", "exact_match"),
        ("ft/rlhf_ppo:lora", "preference", "preference_accuracy"),
    ],
)
def test_reinforcement_earns_more_on_held_out_questions(
    tuned: Path, world: Path, tmp_path: Path, label: str, kind: str, metric: str
) -> None:
    made = little.recipe(world, label, kind, metric, train=ONLINE)
    made["model"] = {"id": str(tuned / "model")}
    run = tmp_path / "run"
    assert little.start(run, made) == 0, little.events(run, "exit")
    found = little.report(run)
    assert found["steps"] == 6
    rewards = [event["reward"] for event in little.events(run, "step")]
    assert len(rewards) == 6
    if metric == "exact_match":
        assert max(rewards) > 0
    else:
        told = [event["score"] for event in little.events(run, "eval") if event.get("metric") == "reward_accuracy"]
        assert told[0] > 0.5
    assert found["after"]["score"] >= found["before"]["score"] - 0.1


@pytest.mark.slow
def test_rlhf_first_learns_to_say_what_it_then_reinforces(world: Path, tmp_path: Path) -> None:
    made = little.recipe(world, "ft/rlhf_ppo:lora", "preference", "preference_accuracy", train=ONLINE)
    made["stages"] = [{"objective": "sft", "train": {**ONLINE, "max_steps": 30, "learning_rate": 0.02}}]
    made["stages"].append({"objective": "rlhf_ppo"})
    made["reward"] = {"train": {**ONLINE, "max_steps": 20, "learning_rate": 0.02}}
    run = tmp_path / "run"
    assert little.start(run, made) == 0, little.events(run, "exit")
    found = little.report(run)
    assert found["success"], found["checks"]
    assert found["steps"] == 36
    started = little.events(run, "start")
    assert [(event["stage"], event["objective"]) for event in started] == [(1, "sft"), (2, "rlhf_ppo")]
    told = [event["score"] for event in little.events(run, "eval") if event.get("metric") == "reward_accuracy"]
    assert told[0] > 0.9
    supervised = little.report(run / "stages" / "1-sft")
    assert supervised["after"]["loss"] < supervised["before"]["loss"]


@pytest.mark.parametrize("stages", [["dpo"], ["sft", "dpo"], ["sft", "sft", "rlhf_ppo"]])
def test_stages_that_the_label_does_not_promise_are_refused(world: Path, tmp_path: Path, stages: list[str]) -> None:
    made = little.recipe(world, "ft/rlhf_ppo:lora", "preference", "preference_accuracy", train=ONLINE)
    made["stages"] = [{"objective": each} for each in stages]
    assert little.start(tmp_path / "run", made) == 2
    assert "recipe.stages" in str(little.events(tmp_path / "run", "exit")[0]["text"])


def test_a_small_model_learns_a_teachers_answers(tuned: Path, world: Path, tmp_path: Path) -> None:
    made = little.recipe(world, "ft/distill:lora", "unlabeled", "loss", **LEARN)
    made["teacher"] = {"model": str(tuned / "model"), "max_tokens": 8}
    run = tmp_path / "run"
    assert little.start(run, made) == 0, little.events(run, "exit")
    assert little.report(run)["success"]
    assert "teach" in [event["name"] for event in little.events(run, "phase")]


@pytest.mark.slow
def test_an_earlier_run_goes_on_with_new_data_and_says_what_it_forgot(world: Path, tmp_path: Path) -> None:
    home = Path(os.environ["TUNER_HOME"]) / "runs"
    first, second = home / "20260101-0000-first-aaaa", tmp_path / "second"
    assert little.start(first, little.recipe(world, "ft/sft:lora", "pairs", "loss", **LEARN)) == 0
    made = little.recipe(world, "ft/sft:lora", "other", "loss", **LEARN)
    goes_on = goes_on_from(msgspec.convert(made, Recipe), "20260101-0000-first-aaaa")
    assert goes_on.model.adapter == str(first / "adapter")
    assert little.start(second, msgspec.to_builtins(goes_on)) == 0, little.events(second, "exit")
    kept = little.report(second)["kept"]
    assert kept["before"]["loss"] == pytest.approx(little.report(first)["after"]["loss"], abs=1e-4)
    assert kept["after"]["items"] == 12
