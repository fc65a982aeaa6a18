"""A gradient whose norm is not finite never reaches the weights; in fp16 the scaler skips such a step itself."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from advisor.recipe import recipe_from
from tuner_tui.runs.directory import RunDir
from tuner_tui.training.callback import Reporter
from tuner_tui.training.job import Diverged, Job
from tuner_tui.training.spread import Silent
from tuner_tui.words import words


class Scaler:
    """What accelerate keeps for fp16."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def is_enabled(self) -> bool:
        return True

    def get_scale(self) -> float:
        return self.scale


@pytest.mark.parametrize(
    ("norm", "scaler", "stops"),
    [
        (1.5, None, False),
        (float("inf"), None, True),
        (float("nan"), None, True),
        (float("inf"), Scaler(65536.0), False),
        (float("nan"), Scaler(1.0), True),
    ],
)
def test_a_norm_that_is_not_finite_stops_the_run_before_the_step(
    tmp_path: Path, norm: float, scaler: Scaler | None, stops: bool
) -> None:
    raw: dict[str, Any] = {"label": "ft/sft:lora", "model": {"id": "m"}, "data": {"train": "t"}}
    job = Job(run=RunDir(tmp_path), recipe=recipe_from(raw, "test"), events=Silent(), words=words("en"))
    trainer = SimpleNamespace(
        model=torch.nn.Linear(1, 1),
        get_batch_samples=None,
        accelerator=SimpleNamespace(scaler=scaler),
        _get_grad_norm=lambda model, grad_norm=None: grad_norm,
    )
    reporter = Reporter(job, trainer, {})
    trainer._get_grad_norm(trainer.model, grad_norm=torch.tensor(norm))
    state: Any = SimpleNamespace(global_step=3, max_steps=9)
    if stops:
        with pytest.raises(Diverged):
            reporter.on_pre_optimizer_step(None, state, None)
    else:
        reporter.on_pre_optimizer_step(None, state, None)
