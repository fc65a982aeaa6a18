"""The follower delivers the same events however the bytes arrive; the fold gives the same view however they are cut."""

import gc
import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.errors import InputError
from tuner_tui.runs.coach import CoachedWriter
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.events import EventKind, EventWriter
from tuner_tui.runs.follow import MAX_LINE, Follower
from tuner_tui.runs.overview import WHOLE_BYTES
from tuner_tui.runs.series import CAP, Growing, Series
from tuner_tui.runs.view import RunView, fold
from tuner_tui.runs.watch import RunWatch
from tuner_tui.words import words

MESSY = (
    b'{"v":1,"t":"start","at":1,"id":"x","total":9}\n'
    b'{"v":1,"t":"step","at":2,"step":1,"loss":0.5,"lr":1e-4}\n'
    b"\n"
    b"garbage\n"
    b"\x00\x00\x00\x00"
    b'{"v":1,"t":"step","at":3,"step":2,"loss":null,"nonfinite":["loss"]}\r\n'
    b'{"v":1,"t":"novelty","at":3,"step":2,"new":{"a":[1]}}\n'
    b'{"no kind":1}\n'
    b"[1,2]\n"
    b"\xff\xfe\n"
    b'{"v":2,"t":"sample","at":4,"text":"\xed\x95\x9c\xea\xb8\x80"}\n' + b"[" * 9000 + b"\n"
    b'{"v":1,"t":"exit","at":5,"reason":"done","code":0}\n'
)
KINDS = ["start", "step", "step", "novelty", "sample", "exit"]


def events_of(path: Path) -> list[dict[str, Any]]:
    follower = Follower(path)
    try:
        return follower.poll()
    finally:
        follower.close()


def test_garbage_is_skipped_counted_and_nothing_else_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(MESSY)
    follower = Follower(path)
    assert [event["t"] for event in follower.poll()] == KINDS
    assert follower.skipped == 5
    follower.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(MESSY)), max_size=12), budget=st.integers(1, 4))
def test_any_split_of_the_bytes_gives_the_same_events(tmp_path: Path, cuts: list[int], budget: int) -> None:
    path = tmp_path / "split.jsonl"
    path.unlink(missing_ok=True)
    follower = Follower(path)
    assert follower.poll() == []
    seen: list[dict[str, Any]] = []
    edges = sorted({0, len(MESSY), *cuts})
    for begin, end in pairwise(edges):
        with path.open("ab") as file:
            file.write(MESSY[begin:end])
        while events := follower.poll(budget):
            assert len(events) <= budget
            seen += events
    assert seen == events_of(path)
    assert follower.skipped == 5
    follower.close()


def test_a_torn_last_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"t":"step","step":1}\n{"t":"st')
    follower = Follower(path)
    assert [event["step"] for event in follower.poll()] == [1]
    assert follower.poll() == []
    with path.open("ab") as file:
        file.write(b'ep","step":2}\n')
    assert [event["step"] for event in follower.poll()] == [2]
    assert follower.skipped == 0
    follower.close()


@pytest.mark.parametrize("how", ["truncated", "replaced"])
def test_a_new_file_in_the_place_is_read_from_its_start(tmp_path: Path, how: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"t":"step","step":1}\n{"t":"step","step":2}\n{"t":"st')
    follower = Follower(path)
    assert len(follower.poll()) == 2
    if how == "replaced":
        (tmp_path / "new").write_bytes(b'{"t":"step","step":7}\n' * 9)
        (tmp_path / "new").replace(path)
    else:
        path.write_bytes(b'{"t":"step","step":7}\n')
    assert {event["step"] for event in follower.poll()} == {7}
    assert follower.replaced == 1
    follower.close()


def test_a_huge_line_costs_bounded_memory_and_one_count(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"t":"sample","text":"' + b"x" * (8 * MAX_LINE) + b'"}\n{"t":"step","step":1}\n')
    follower = Follower(path)
    assert [event["t"] for event in follower.poll()] == ["step"]
    assert follower.skipped == 1
    follower.close()


def test_a_link_or_a_pipe_in_place_of_the_log_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b'{"t":"step","step":1}\n')
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert events_of(tmp_path / "link.jsonl") == []
    assert events_of(tmp_path / "pipe.jsonl") == []


NUMBERS = st.one_of(st.none(), st.floats(), st.integers(-(10**6), 10**6), st.just("text"), st.booleans())
EVENT = st.fixed_dictionaries(
    {"t": st.sampled_from(["start", "phase", "step", "gpu", "eval", "sample", "checkpoint", "warn", "coach", "exit"])},
    optional={
        "at": NUMBERS,
        "step": st.one_of(st.integers(0, 40), NUMBERS),
        "total": NUMBERS,
        "loss": NUMBERS,
        "lr": NUMBERS,
        "rewards_margin": NUMBERS,
        "step_s": NUMBERS,
        "device": st.sampled_from(["0", "1", 2]),
        "used_bytes": NUMBERS,
        "peak_bytes": NUMBERS,
        "when": st.sampled_from(["before", "after", 3]),
        "score": NUMBERS,
        "name": st.text(max_size=5),
        "text": st.one_of(st.text(max_size=5), NUMBERS),
        "path": st.text(max_size=5),
        "reason": st.sampled_from(["done", "oom", 1]),
        "code": NUMBERS,
        "versions": st.one_of(NUMBERS, st.dictionaries(st.text(max_size=3), NUMBERS, max_size=2)),
    },
)


@settings(max_examples=80, deadline=None)
@given(events=st.lists(EVENT, max_size=60), cuts=st.lists(st.integers(0, 60), max_size=6))
def test_any_cut_into_batches_gives_the_same_view(events: list[dict[str, Any]], cuts: list[int]) -> None:
    whole = fold(RunView(), events)
    edges = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    view = RunView()
    for begin, end in pairwise(edges):
        view = fold(view, events[begin:end])
    assert view == whole
    assert msgspec.json.encode(view) == msgspec.json.encode(whole)


def test_a_fold_leaves_the_view_it_began_with_as_it_was() -> None:
    first = fold(RunView(), [{"t": "step", "step": 1, "loss": 1.0}])
    second = fold(first, [{"t": "step", "step": 2, "loss": 0.5}])
    assert first.losses == ((1, 1.0),)
    assert second.losses == ((1, 1.0), (2, 0.5))


def test_a_number_that_is_not_finite_is_a_gap_and_is_counted() -> None:
    events = [{"t": "step", "step": 1, "loss": 1.0}, {"t": "step", "step": 2, "loss": None, "nonfinite": ["loss"]}]
    view = fold(RunView(), events)
    assert view.losses == ((1, 1.0), (2, None))
    assert view.loss is None
    assert view.nonfinite == 1


def test_a_resumed_run_writes_its_history_anew_from_the_checkpoint() -> None:
    before = [{"t": "step", "step": step, "loss": 9.0} for step in range(1, 8)]
    again = [{"t": "start"}, *({"t": "step", "step": step, "loss": 1.0} for step in range(5, 7))]
    view = fold(RunView(), [*before, {"t": "exit", "reason": "stopped"}, *again])
    assert [step for step, _ in view.losses] == [1, 2, 3, 4, 5, 6]
    assert view.losses[-1] == (6, 1.0)
    assert view.exit_reason is None


def test_text_of_events_cannot_drive_the_terminal() -> None:
    evil = "a\x1b]52;c;Zm9v\x07b\u202e\x9b2J"
    names = ("label", "text", "name", "prompt", "device", "path", "id")
    kinds = ("start", "phase", "sample", "warn", "coach", "checkpoint", "gpu", "exit")
    view = fold(RunView(), [{"t": kind, "step": 1, "x" + evil: 1.0, **dict.fromkeys(names, evil)} for kind in kinds])
    view = fold(view, [{"t": "step", "step": 1, evil: 1.0}])
    shown = msgspec.json.encode(view).decode()
    assert view.samples
    assert view.extras
    assert not any(mark in shown for mark in ("\\u001b", "\\u0007", "\x9b", "\u202e"))


def test_a_long_series_is_bounded_and_keeps_its_extremes() -> None:
    growing = Growing(Series())
    for step in range(50_000):
        growing.add(step, 99.0 if step == 31_337 else 1.0 / (step + 1))
    points = growing.frozen().all
    assert len(points) <= CAP + growing.width
    assert (31_337, 99.0) in points
    assert points[0] == (0, 1.0)
    assert points[-1][0] == 49_999
    assert [x for x, _ in points] == sorted({x for x, _ in points})


@pytest.fixture
def long_log(tmp_path: Path) -> RunDir:
    """A run whose log holds 300,000 steps and, in their middle, one of each rare event."""
    run = RunDir(tmp_path)
    line = '{{"v":1,"t":"step","at":{0},"step":{0},"total":300000,"loss":{1},"lr":0.0001,"tokens_per_s":100.0}}\n'
    with EventWriter(run.events_path) as events:
        events.emit(EventKind.START, id="long", total=300_000)
    with run.events_path.open("a") as file:
        file.writelines(line.format(step, 1000 / step) for step in range(1, 150_000))
    with EventWriter(run.events_path) as events:
        events.emit(EventKind.EVAL, step=150_000, loss=0.5)
        events.emit(EventKind.CHECKPOINT, step=150_000, path="checkpoints/150000")
    with run.events_path.open("a") as file:
        file.writelines(line.format(step, 1000 / step) for step in range(150_000, 300_001))
    return run


def test_attaching_to_a_long_log_is_quick_and_shows_the_whole_curve(
    long_log: RunDir, until: Callable[[Callable[[], object]], None]
) -> None:
    assert long_log.events_path.stat().st_size > WHOLE_BYTES
    began = time.process_time()
    watch = RunWatch(long_log)
    took_s = time.process_time() - began
    view = watch.view
    assert watch.sampled
    assert took_s < 1.0
    assert (view.id, view.step, view.total) == ("long", 300_000, 300_000)
    assert len(view.losses) > 1000
    assert max(b[0] - a[0] for a, b in zip(view.losses, view.losses[1:], strict=False)) < 1000
    assert view.eval_losses == ((150_000, 0.5),)
    assert view.checkpoints == ((150_000, "checkpoints/150000"),)
    with EventWriter(long_log.events_path) as events:
        events.emit(EventKind.EXIT, reason="done", code=0)
    assert [event["t"] for event in watch.poll()] == ["exit"]
    watch.close()


def test_a_watcher_begins_anew_when_the_log_is_replaced(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.events_path.write_bytes(b'{"t":"warn","text":"old"}\n' * 3)
    watch = RunWatch(run)
    watch.poll()
    run.events_path.write_bytes(b'{"t":"warn","text":"new"}\n')
    watch.poll()
    assert watch.view.messages == (("warn", "new"),)
    watch.close()


def test_a_fold_leaves_nothing_for_the_collector_of_cycles() -> None:
    """Every poll of every watcher folds: what it leaves about grows for hours in a large process."""
    events = [{"t": "step", "at": float(step), "step": step, "loss": 1.0, "lr": 0.1} for step in range(50)]
    gc.collect()
    gc.disable()
    try:
        fold(RunView(), events)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_log_that_was_renamed_is_begun_anew_and_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    path, old = tmp_path / "events.jsonl", tmp_path / "events.jsonl.1"
    with CoachedWriter(path, words("en")) as events:
        events.emit(EventKind.STEP, step=1, loss=1.0)
        path.rename(old)
        events.emit(EventKind.STEP, step=2, loss=1.0)
        with pytest.raises(InputError, match="another process"):
            CoachedWriter(path, words("en"))
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
        events.emit(EventKind.STEP, step=3, loss=1.0)
        path.unlink()
        events.emit(EventKind.STEP, step=4, loss=1.0)
    assert [event["step"] for event in Follower(old).poll() if event["t"] == "step"] == [1]
    assert [event["step"] for event in Follower(path).poll() if event["t"] == "step"] == [4]
    assert not (tmp_path / "elsewhere").exists()
