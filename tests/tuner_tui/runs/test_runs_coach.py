"""The coach names what is wrong in recorded runs of each kind, and says nothing of the healthy ones."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import advisor.coach
from advisor.coach import Answer, Load, Telemetry, judge
from advisor.coach.telemetry import Points
from advisor.errors import InputError
from advisor.recipe import Recipe, recipe_from
from advisor.words import words as words_of
from tuner_tui.runs.actions import changed
from tuner_tui.runs.coach import Coach, CoachedWriter, say, say_again
from tuner_tui.runs.directory import RunDir, create_run, list_runs
from tuner_tui.runs.events import EventKind
from tuner_tui.runs.follow import Event, Follower
from tuner_tui.runs.watch import RunWatch
from tuner_tui.words import words

RECORDED = Path(__file__).parents[3] / "samples" / "runs"
WANTED = {
    "fault-nan": {"COA001"},
    "fault-nan-hidden": {"COA001", "COA002"},
    "fault-masked": {"COA003"},
    "fault-diverges": {"COA004"},
    "fault-rate-high": {"COA005", "COA004"},
    "fault-rate-low": {"COA006"},
    "fault-plateau": {"COA007"},
    "fault-overfit": {"COA008"},
    "fault-endless": {"COA009"},
    "fault-dpo-falls": {"COA010"},
    "fault-memory": {"COA022"},
    "fault-frozen": {"COA007"},
    "fault-rate-far": {"COA015"},
    "fault-by-heart": {"COA008"},
    "fault-rewards-gamed": {"COA012"},
    "fault-far-away": {"COA013"},
    "fault-disk": {"COA023"},
    "fault-late": {"COA024"},
    "fault-rewards-alike": {"COA011"},
}
HEALTHY = sorted(path.stem for path in RECORDED.glob("healthy-*.jsonl"))


def recorded(name: str) -> list[Event]:
    return Follower(RECORDED / f"{name}.jsonl").poll(1_000_000)


def heard(events: list[Event]) -> set[str]:
    coach = Coach()
    coach.take_all(events)
    return {finding.id for finding in coach.findings}


@pytest.mark.parametrize("name", sorted(WANTED))
def test_each_recorded_fault_is_named(name: str) -> None:
    assert heard(recorded(name)) & WANTED[name]


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_of_a_healthy_run(name: str) -> None:
    assert heard(recorded(name)) == set()


def test_there_are_ten_healthy_runs_and_every_fault() -> None:
    assert len(HEALTHY) >= 10
    assert {path.stem for path in RECORDED.glob("fault-*.jsonl")} == set(WANTED)


@pytest.mark.parametrize("name", ["fault-overfit", "healthy-dpo", "fault-dpo-falls"])
def test_a_watcher_hears_the_same_however_the_log_comes(tmp_path: Path, name: str) -> None:
    run = RunDir(tmp_path)
    watches = [RunWatch(run), RunWatch(run)]
    with run.events_path.open("wb") as file:
        for at, line in enumerate((RECORDED / f"{name}.jsonl").read_bytes().splitlines(keepends=True)):
            file.write(line)
            file.flush()
            if at % 3 == 0:
                watches[0].poll()
    watches[0].poll()
    watches[1].poll(1_000_000)
    assert [advice["id"] for advice in watches[0].view.coach] == [advice["id"] for advice in watches[1].view.coach]
    assert {advice["id"] for advice in watches[0].view.coach} == heard(recorded(name))


def test_a_writer_with_a_coach_writes_what_it_says_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with CoachedWriter(path, words("en")) as writer:
        for event in recorded("fault-overfit"):
            fields = {name: value for name, value in event.items() if name not in ("v", "t", "at", "nonfinite")}
            writer.emit(EventKind(event["t"]), **fields)
    told = [event for event in Follower(path).poll(100_000) if event["t"] == "coach"]
    assert [event["id"] for event in told] == ["COA008"]
    assert told[0]["action"] == "stop"
    assert str(told[0]["evidence"]["best"]) in told[0]["text"]
    watch = RunWatch(RunDir(tmp_path))
    watch.poll(100_000)
    assert [advice["id"] for advice in watch.view.coach] == ["COA008"], "a watcher does not say it again"


@pytest.mark.parametrize("name", ["healthy-questions", "healthy-watched", "fault-overfit", "fault-dpo-falls"])
def test_a_run_that_goes_on_is_judged_by_its_whole_course(tmp_path: Path, name: str) -> None:
    """What is said while it runs, stops and goes on is what a replay of the log says."""
    path, events = tmp_path / "events.jsonl", recorded(name)
    begun = next(event for event in events if event["t"] == "start")
    cut = len(events) * 2 // 3
    for attempt in (events[:cut], [begun, *events[cut:]]):
        with CoachedWriter(path, words("en")) as writer:
            for event in attempt:
                fields = {name: value for name, value in event.items() if name not in ("v", "t", "at", "nonfinite")}
                writer.emit(EventKind(event["t"]), **fields)
    log = Follower(path).poll(100_000)
    replayed = Coach()
    replayed.take_all(log)
    told = [(event["id"], event["step"], event["evidence"]) for event in log if event["t"] == "coach"]
    assert told == [(found.id, found.step, found.evidence) for found in replayed.findings]
    assert {each[0] for each in told} == heard(events)


def test_a_coach_that_fails_does_not_cost_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advisor.coach, "judge", lambda telemetry: 1 / 0)
    with CoachedWriter(tmp_path / "events.jsonl", words("en")) as writer:
        for step in range(20):
            writer.emit(EventKind.STEP, step=step, loss=1.0)
    assert len([e for e in Follower(tmp_path / "events.jsonl").poll() if e["t"] == "step"]) == 20


def test_the_deadline_of_the_recipe_is_known(tmp_path: Path, recipe: Recipe) -> None:
    raw = {"label": "ft/sft:lora", "model": {"id": "m"}, "data": {"train": "t"}}
    late = recipe_from({**raw, "facts": {"constraints": {"deadline_h": 1}}}, "test")
    run = create_run(late)
    with CoachedWriter(run.events_path, words("en")) as writer:
        writer.coach_by(late)
        writer.emit(EventKind.START, total=1000)
        for step in range(1, 30):
            writer.emit(EventKind.STEP, step=step, total=1000, loss=1 / step, step_s=60.0)
    told = [event for event in Follower(run.events_path).poll() if event["t"] == "coach"]
    assert [event["id"] for event in told] == ["COA024"]


def points(values: list[float | None], every: int = 1) -> Points:
    return tuple((at * every, value) for at, value in enumerate(values, 1))


def ids(telemetry: Telemetry) -> set[str]:
    return {finding.id for finding in judge(telemetry)}


GPU = [
    Load(at=float(at), source="nvml", util_pct=95.0, temp_c=70.0, held_bytes=8e9, total_bytes=24e9) for at in range(60)
]


def loads(change: Callable[[int], dict[str, Any]]) -> tuple[Load, ...]:
    import msgspec

    return tuple(msgspec.structs.replace(load, **change(at)) for at, load in enumerate(GPU))


@pytest.mark.parametrize(
    ("wanted", "wrong", "right"),
    [
        (
            "COA011",
            {"frac_reward_zero_std": [0.9] * 16, "reward": [0.1] * 16},
            {"frac_reward_zero_std": [0.9] * 10, "reward": [0.1] * 10},
        ),
        ("COA011", {"reward_std": [0.0] * 10, "reward": [0.0] * 10}, {"reward_std": [0.2] * 10, "reward": [0.1] * 10}),
        (
            "COA012",
            {"reward": [at / 20 for at in range(20)], "completions_mean_length": [40 + 8 * at for at in range(20)]},
            {"reward": [at / 20 for at in range(20)], "completions_mean_length": [40.0] * 20},
        ),
        ("COA011", {"frac_reward_zero_std": [1.0] * 8, "reward": [0.1] * 8}, {"reward": [0.1] * 8}),
        ("COA013", {"kl": [2.5] * 10}, {"kl": [0.05] * 10}),
        (
            "COA014",
            {"rewards_margin": [-0.1 * at for at in range(40)]},
            {"rewards_margin": [0.1 * at for at in range(40)]},
        ),
    ],
)
def test_rewards_that_go_wrong(wanted: str, wrong: dict[str, list[float]], right: dict[str, list[float]]) -> None:
    assert wanted in ids(Telemetry(extras={name: points(list(found)) for name, found in wrong.items()}))
    assert wanted not in ids(Telemetry(extras={name: points(list(found)) for name, found in right.items()}))


@pytest.mark.parametrize(
    "sign",
    [
        {"answers": tuple(Answer(step=30, text="so good " * 9) for _ in range(3))},
        {"score_before": (0.4, 0.5), "score_after": (0.1, 0.3)},
        {"wanted_before": 0.5, "wanted_after": 1.7},
        {"eval_losses": points([1.0, 1.3, 1.4])},
    ],
    ids=["words again and again", "the held-out score fell", "wanted answers became unlikely", "held-out loss rises"],
)
def test_a_reward_that_climbs_is_doubted_by_any_other_sign(sign: dict[str, Any]) -> None:
    climbing = {"extras": {"reward": points([at / 20 for at in range(20)])}}
    assert "COA012" in ids(Telemetry(**climbing, **sign))
    assert "COA012" not in ids(Telemetry(**climbing))
    assert "COA012" not in ids(Telemetry(extras={"reward": points([0.5] * 20)}, **sign))


@pytest.mark.parametrize(
    ("rate", "optimizer", "parameters", "far"),
    [
        (2e-5, "adamw_torch", 8_000_000_000, False),
        (2e-3, "adamw_torch", 8_000_000_000, True),
        (2e-3, None, 8_000_000_000, True),
        (2e-3, "sgd", 8_000_000_000, False),
        (2e-3, "paged_adamw_8bit", 4_000_000, False),
        (5e-2, "paged_adamw_8bit", 4_000_000, True),
    ],
)
def test_a_rate_is_far_above_usual_by_method_and_size(
    rate: float, optimizer: str | None, parameters: int, far: bool
) -> None:
    t = Telemetry(
        objective="sft", technique="full", parameters=parameters, optimizer=optimizer, total=500, rates=points([rate])
    )
    assert ("COA015" in ids(t)) is far
    assert ids(Telemetry(rates=points([rate]))) == set(), "an unknown method is not judged"


def test_a_loss_that_never_moved_stands_still_whatever_its_noise() -> None:
    dice = random.Random(2)
    usual = {"objective": "sft", "technique": "lora", "parameters": 8_000_000_000, "rates": points([2e-4] * 60)}
    here = {"step": 60, "total": 100, "losses": points([dice.gauss(2.0, 0.5) for _ in range(60)]), **usual}
    assert ids(Telemetry(**here, eval_losses=points([2.01, 2.01, 2.01], every=20))) == {"COA007"}
    assert ids(Telemetry(**here, eval_losses=points([2.01, 1.95, 1.9], every=20))) == set()
    assert ids(Telemetry(**{**here, "objective": "kto"}, eval_losses=points([2.01] * 3, every=20))) == set()


def test_a_loss_that_stands_still_is_no_plateau_while_the_held_out_loss_falls() -> None:
    dice = random.Random(4)
    falls = [3.0 - 0.08 * at for at in range(28)] + [0.75 + dice.gauss(0, 0.02) for _ in range(77)]
    run = {"step": 105, "total": 200, "losses": points(falls), "rates": points([2e-3] * 105)}
    assert ids(Telemetry(**run)) == {"COA007"}
    assert ids(Telemetry(**run, eval_losses=points([0.864, 0.86], every=50))) == {"COA007"}
    assert ids(Telemetry(**run, eval_losses=points([0.864, 0.654], every=50))) == set()


def test_learning_by_heart_shows_without_a_rise_too() -> None:
    falls = points([2.0 * 0.95**at for at in range(80)])
    run = {"step": 80, "total": 100, "losses": falls, "rates": points([2e-4] * 80)}
    assert "COA008" in ids(Telemetry(**run, eval_losses=points([1.5, 1.2, 1.2, 1.2, 1.2, 1.2], every=13)))
    assert "COA008" not in ids(Telemetry(**run, eval_losses=points([1.5, 1.0, 0.7, 0.5, 0.3, 0.2], every=13)))


def test_a_gpu_that_waits_or_is_hot_is_named() -> None:
    assert ids(Telemetry(loads=loads(lambda at: {}))) == set()
    assert ids(Telemetry(loads=loads(lambda at: {"util_pct": 12.0}))) == {"COA020"}
    slower = points([1.0] * 30 + [1.3] * 30)
    assert ids(Telemetry(loads=loads(lambda at: {"temp_c": 86.0}), step_s=slower)) == {"COA021"}
    assert ids(Telemetry(loads=loads(lambda at: {"temp_c": 86.0}), step_s=points([1.0] * 60))) == set()


def test_rows_that_come_too_slowly_are_told_from_a_model_that_is_small() -> None:
    lasted = points([1.0] * 40)
    slow, quick = points([0.6] * 40), points([3.0] + [0.01] * 39)
    assert ids(Telemetry(step_s=lasted, waits=slow)) == {"COA026"}
    assert ids(Telemetry(step_s=lasted, waits=slow, loads=loads(lambda at: {"util_pct": 12.0}))) == {"COA026"}
    assert ids(Telemetry(step_s=points([0.01] * 40), waits=points([0.006] * 40))) == set()
    assert ids(Telemetry(step_s=lasted, waits=quick, loads=loads(lambda at: {"util_pct": 30.0}))) == set()


def test_steps_of_unlike_length_on_a_hot_gpu_are_not_its_protecting_itself() -> None:
    dice = random.Random(3)
    unlike = points([dice.choice([0.5, 1.0, 1.6]) for _ in range(60)])
    assert ids(Telemetry(loads=loads(lambda at: {"temp_c": 86.0}), step_s=unlike)) == set()


def test_each_device_is_judged_by_itself() -> None:
    def second(at: int) -> dict[str, Any]:
        return {"device": "cuda:1", "held_bytes": 6e9 + 2e9 * (at > 50), "util_pct": 41.0}

    assert ids(Telemetry(loads=(*loads(lambda at: {"device": "cuda:0"}), *loads(second)))) == set()
    leak = loads(lambda at: {"device": "cuda:1", "held_bytes": 9e9 + at * 4e7})
    mixed = tuple(load for pair in zip(loads(lambda at: {"device": "cuda:0"}), leak, strict=True) for load in pair)
    assert ids(Telemetry(loads=mixed)) == {"COA022"}


def test_memory_that_is_full_before_the_end_is_named_however_slowly_it_grows() -> None:
    slow = loads(lambda at: {"held_bytes": 2.2e10 + at * 8e6})
    assert ids(Telemetry(loads=slow)) == set()
    assert ids(Telemetry(loads=slow, eta_s=3600.0)) == {"COA022"}
    few = loads(lambda at: {"held_bytes": 1e9 + at * 1.2e8})[:16]
    assert ids(Telemetry(loads=few)) == {"COA022"}
    assert ids(Telemetry(loads=loads(lambda at: {"held_bytes": 1e9 + at * 2e7})[:16])) == set()
    settles = loads(lambda at: {"held_bytes": 2.2e10 + 1e9 * (1 - 0.8**at)})
    assert ids(Telemetry(loads=settles, eta_s=3600.0)) == set()


def test_a_host_that_idles_is_no_gpu_that_waits() -> None:
    assert ids(Telemetry(loads=loads(lambda at: {"source": "host", "util_pct": 5.0, "temp_c": None}))) == set()


def test_a_disk_that_fills_is_named_in_time() -> None:
    falling: Points = tuple((60.0 * at, 1e10 - 1e9 * at) for at in range(6))
    assert ids(Telemetry(free_disk=falling, eta_s=3600.0)) == {"COA023"}
    assert ids(Telemetry(free_disk=falling, eta_s=60.0)) == set()
    assert ids(Telemetry(free_disk=((0.0, 1e9),), checkpoint_bytes=6e8)) == {"COA023"}


def test_answers_that_run_on_are_told_from_answers_that_are_not_learned() -> None:
    def answers(text: str, ended: bool | None = None) -> Telemetry:
        found = tuple(Answer(step=80, text=text, reference="the price is 30", ended=ended) for _ in range(2))
        return Telemetry(step=80, total=100, answers=found)

    assert ids(answers("the price is 30the price is 30the price")) == {"COA009"}
    assert ids(answers("la la la la la la la la la la la la la la")) == set()
    assert ids(answers("the price is 30")) == set()
    assert ids(answers("the price is 30", ended=False)) == {"COA009"}


def test_a_rate_too_low_is_told_from_a_noisy_loss_by_its_size() -> None:
    dice = random.Random(1)
    noisy = tuple((step, dice.gauss(1.0, 0.15)) for step in range(1, 61))
    usual, tiny = ({"step": 60, "total": 100, "losses": noisy, "rates": ((1, rate),)} for rate in (2e-4, 1e-8))
    assert not judge(Telemetry(**usual, technique="lora"))
    assert [found.id for found in judge(Telemetry(**tiny, technique="lora"))] == ["COA006"]


def test_a_rise_of_the_training_loss_alone_is_chance() -> None:
    steps = (*(2.0 - step * 0.01 for step in range(80)), *(1.6 + 0.001 * step for step in range(40)))
    rises = {"step": 120, "total": 200, "losses": tuple(enumerate(steps, 1)), "rates": ((1, 1e-4),)}
    assert "COA004" in {found.id for found in judge(Telemetry(**rises))}
    calm = ((40, 1.8), (80, 1.4), (118, 1.39))
    assert "COA004" not in {found.id for found in judge(Telemetry(**rises, eval_losses=calm))}
    assert "COA004" in {found.id for found in judge(Telemetry(**rises, eval_losses=(*calm[:2], (118, 1.7))))}


def test_another_stage_is_judged_by_its_own_numbers() -> None:
    def steps(begin: int, level: float) -> list[Event]:
        return [
            {
                "t": "step",
                "at": float(at),
                "step": begin + at,
                "total": 200,
                "loss": level - at * level / 200,
                "lr": 1e-3,
            }
            for at in range(1, 101)
        ]

    first: Event = {"t": "start", "at": 0.0, "stage": 1, "stages": 2}
    second: Event = {"t": "start", "at": 100.0, "stage": 2, "stages": 2}
    assert heard([first, *steps(0, 0.2), second, *steps(100, 0.7)]) == set()
    assert "COA004" in heard([first, *steps(0, 0.2), *steps(100, 0.7)])


def test_shorter_sequences_are_offered_once_nothing_else_is_left(recipe: Recipe) -> None:
    assert heard([{"t": "exit", "at": 1.0, "reason": "oom", "code": 1}]) == {"COA025"}
    after = changed(recipe, advisor.coach.BY_ID["COA025"].action or "")
    assert after.train.max_length == recipe.train.max_length // 2
    assert (after.train.micro_batch, after.train.grad_accum) == (recipe.train.micro_batch, recipe.train.grad_accum)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_rule_has_words_that_its_evidence_fills(lang: str) -> None:
    for rule in advisor.coach.RULES:
        for part in ("name", "text", "action"):
            assert words_of(lang).has(f"coach.{rule.id}.{part}")
    for name in WANTED:
        coach = Coach()
        coach.take_all(recorded(name))
        for finding in coach.findings:
            assert "{" not in say(finding, words(lang))


def test_the_command_prints_what_it_finds(tuner: Callable[..., Any]) -> None:
    done = tuner("coach", str(RECORDED / "fault-rate-low.jsonl"), "--json")
    assert done.returncode == 0
    assert [found["id"] for found in json.loads(done.stdout)] == ["COA006"]
    assert "learning rate" in tuner("coach", str(RECORDED / "fault-rate-low.jsonl")).stdout
    assert "nothing wrong" in tuner("coach", str(RECORDED / "healthy-full.jsonl")).stderr


@pytest.mark.parametrize(
    ("action", "rate"), [("set train.learning_rate=*0.5", 1e-4), ("set train.learning_rate=0.001", 0.001)]
)
def test_an_action_changes_a_copy_of_the_recipe(recipe: Recipe, action: str, rate: float) -> None:
    after = changed(recipe, action)
    assert after.train.learning_rate == pytest.approx(rate)
    assert after.why["coach"] == action
    assert recipe.train.learning_rate == 2e-4
    assert after.model == recipe.model


def test_an_open_beta_is_the_trainers_own() -> None:
    dpo = recipe_from({"label": "ft/dpo:lora", "model": {"id": "m"}, "data": {"train": "t"}}, "test")
    assert changed(dpo, "set train.beta=*3").train.beta == pytest.approx(0.3)


def test_the_command_does_what_the_coach_proposes(tuner: Callable[..., Any], recipe_file: Path) -> None:
    tuner("run", str(recipe_file), scenario="success")
    first = list_runs()[0]
    first.events_path.write_bytes((RECORDED / "fault-rate-low.jsonl").read_bytes())
    done = tuner("coach", first.id, "--do", "COA006")
    assert done.returncode == 0, done.stderr
    second = list_runs()[0]
    assert second != first
    assert json.loads(done.stdout)["id"] == second.id
    assert b"learning_rate: 0.001" in second.recipe_path.read_bytes()
    assert tuner("coach", first.id, "--do", "COA001").returncode == 2


def test_a_finding_is_told_in_the_language_of_whoever_watches() -> None:
    event: Event = {"t": "coach", "id": "COA024", "text": "late", "evidence": {"hours": "2.0", "deadline": "1.0"}}
    assert "2.0시간" in (say_again(event, words("ko")) or "")
    assert say_again({**event, "evidence": {"hours": "2.0"}}, words("ko")) == "late"
    assert say_again({**event, "id": "XYZ001", "text": "\x1b[31mred"}, words("ko")) == "␛[31mred"


def test_two_do_not_train_into_one_folder(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with CoachedWriter(path, words("en")) as first:
        with pytest.raises(InputError, match="another process"):
            CoachedWriter(path, words("en"))
        first.emit(EventKind.PHASE, name="train")
    with CoachedWriter(path, words("en")) as second:
        second.emit(EventKind.PHASE, name="train")
    assert len(Follower(path).poll()) == 2


@pytest.mark.parametrize(("nats", "far"), [(2.5, False), (40.0, True)])
def test_kto_tells_its_distance_by_answer_not_by_token(nats: float, far: bool) -> None:
    found = ids(Telemetry(objective="kto", extras={"kl": points([nats] * 10)}))
    assert ("COA013" in found) is far
