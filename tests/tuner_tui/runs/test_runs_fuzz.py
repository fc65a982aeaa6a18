"""Whatever a log holds, reading it raises nothing: not the fold, not the coach, not the words for it."""

from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.recipe import DataSpec, ModelSpec, Recipe
from tuner_tui.runs.coach import Coach, say, say_again
from tuner_tui.runs.directory import RunDir, create_run
from tuner_tui.runs.outcome import outcome_of, tell
from tuner_tui.runs.progress import Progress
from tuner_tui.runs.state import state_of
from tuner_tui.runs.view import RunView, fold
from tuner_tui.runs.watch import RunWatch, glance
from tuner_tui.words import words

KINDS = ("start", "phase", "step", "gpu", "eval", "sample", "checkpoint", "coach", "warn", "exit", "disk", "novelty")
FIELDS = (
    *("step", "total", "loss", "lr", "grad_norm", "epoch", "tokens", "tokens_per_s", "step_s", "stage", "reward", "kl"),
    *(
        "logps_chosen",
        "rewards_margin",
        "frac_reward_zero_std",
        "completions_mean_length",
        "nonfinite",
        "when",
        "score",
    ),
    *("device", "source", "used_bytes", "total_bytes", "process_bytes", "util_pct", "temp_c", "free_bytes", "at"),
    *("checkpoint_bytes", "text", "reference", "prompt", "ended", "path", "id", "evidence", "action", "reason", "code"),
    *("name", "versions", "deadline_s", "coached", "objective"),
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["train", "before", "nvml", "COA004", "done", "oom", "diverged", "\x1b[2J"])
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=3)
EVENTS = st.lists(
    st.fixed_dictionaries({"t": st.sampled_from(KINDS)}).flatmap(
        lambda head: st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8).map(lambda rest: {**rest, **head})
    ),
    max_size=40,
)
NUMBERS = st.floats(-1e300, 1e300) | st.sampled_from([0.0, 1e-300, -1.0, 1.0, 1e308])
STEPS = st.lists(NUMBERS, min_size=12, max_size=60)


@given(EVENTS)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_events_are_folded_judged_and_told(events: list[dict[str, Any]]) -> None:
    view = fold(RunView(), events)
    assert isinstance(view.step, int)
    coach = Coach()
    coach.take_all(events)
    for finding in coach.findings:
        assert say(finding, words("ko"))
    for line in Progress(words("en")).lines(events, view):
        assert "\x1b" not in line
    for event in events:
        say_again(event, words("en"))


@given(STEPS, STEPS)
@settings(max_examples=100, deadline=None)
def test_any_numbers_are_judged(losses: list[float], others: list[float]) -> None:
    coach = Coach()
    for at, (loss, other) in enumerate(zip(losses, others, strict=False), 1):
        fields = {
            "grad_norm": other,
            "lr": abs(other) or 1.0,
            "rewards_margin": other,
            "logps_chosen": loss,
            "kl": other,
        }
        event = {"t": "step", "at": float(at), "step": at, "total": 60, "loss": loss, "step_s": abs(other), **fields}
        coach.take(event)
        if at % 5 == 0:
            coach.take({"t": "eval", "at": float(at), "step": at, "loss": other})
    assert all(say(finding, words("en")) for finding in coach.findings)


@given(st.lists(st.binary(max_size=80), max_size=12), EVENTS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_in_the_log_leave_a_state_and_an_end_to_tell(
    garbage: list[bytes], events: list[dict[str, Any]]
) -> None:
    run = create_run(Recipe(label="ft/sft:lora", model=ModelSpec(id="m"), data=DataSpec(train="t")))
    lines = [msgspec.json.encode(event) for event in events]
    mixed = [part for pair in zip(lines, [*garbage, *[b""] * len(lines)], strict=False) for part in pair]
    run.events_path.write_bytes(b"\n".join([*mixed, *garbage]))
    state_of(run)
    glance(run)
    watch = RunWatch(run)
    watch.poll()
    watch.close()
    assert all("\x1b" not in line for line in tell(run, outcome_of(run), words("en")))


@given(st.binary(max_size=400), st.binary(max_size=400))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_bytes_as_record_and_report_leave_a_state(record: bytes, report: bytes) -> None:
    run = create_run(Recipe(label="ft/sft:lora", model=ModelSpec(id="m"), data=DataSpec(train="t")))
    run.info_path.write_bytes(record)
    run.report_path.write_bytes(report)
    run.events_path.write_bytes(b'{"v":1,"t":"exit","at":1,"reason":"done","code":0}\n')
    assert tell(run, outcome_of(run), words("ko"))
    assert isinstance(RunDir(Path(run.path)).report(), dict | None)
