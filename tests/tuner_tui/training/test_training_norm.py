"""A gradient norm that overflows stops the run, although clipping has made every gradient zero and finite."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from advisor.recipe import recipe_from
from tuner_tui.runs.directory import RunDir
from tuner_tui.runs.events import EventWriter
from tuner_tui.runs.follow import Follower
from tuner_tui.training.callback import Reporter, RowClock, TokenCounter
from tuner_tui.training.job import Diverged, Job
from tuner_tui.words import words


@pytest.mark.parametrize(("norm", "stops"), [(1.5, False), (float("inf"), True), (float("nan"), True)])
def test_a_norm_that_is_not_finite_stops_the_run(tmp_path: Path, norm: float, stops: bool) -> None:
    raw: dict[str, Any] = {"label": "ft/sft:lora", "model": {"id": "m"}, "data": {"train": "t"}}
    with EventWriter(tmp_path / "events.jsonl") as events:
        job = Job(run=RunDir(tmp_path), recipe=recipe_from(raw, "test"), events=events, words=words("en"))
        rows = RowClock(SimpleNamespace(get_batch_samples=None))
        reporter = Reporter(job, TokenCounter(torch.nn.Linear(1, 1)), rows, {})
        state: Any = SimpleNamespace(global_step=3, max_steps=9, epoch=0.1)
        logs = {"loss": 1e36, "grad_norm": norm, "learning_rate": 0.1}
        if stops:
            with pytest.raises(Diverged):
                reporter.on_log(None, state, None, logs)
        else:
            reporter.on_log(None, state, None, logs)
    told = Follower(tmp_path / "events.jsonl").poll()
    assert [event["t"] for event in told] == ["step"], "the step is told before the run stops"
