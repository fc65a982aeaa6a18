"""A run that was stopped and resumed makes the very steps that it would have made."""

from pathlib import Path
from typing import Any

import little
import pytest


def halve(run: Path, made: dict[str, Any], step: int, monkeypatch: pytest.MonkeyPatch, begun: int = 0) -> None:
    """Stop the run at `step` of the stage that begins after `begun` steps, as `tuner stop` does; then resume it."""
    from tuner_tui.training.callback import Reporter

    told, seen = Reporter.on_log, [0]

    def stop_there(self: Reporter, args: Any, state: Any, *rest: Any, **kwargs: Any) -> None:
        told(self, args, state, *rest, **kwargs)
        seen[0] += "loss" in kwargs.get("logs", rest[-1] if rest else {})
        if seen[0] == begun + step:
            (run / "stop").touch()

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "on_log", stop_there)
        assert little.start(run, made) == 130
    (run / "stop").unlink()
    assert little.start(run, made, "--resume") == 0


@pytest.mark.parametrize("label", ["ft/sft:lora", "ft/sft:full"])
def test_losses_after_a_resume_are_bit_for_bit_those_of_an_uninterrupted_run(
    world: Path, tmp_path: Path, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = little.recipe(world, label, "pairs", "loss", train__max_steps=8, train__save_steps=4, train__grad_accum=2)
    made["adapter"]["dropout"] = 0.1
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    assert little.start(whole, made) == 0
    halve(halved, made, 4, monkeypatch)
    steps = {event["step"]: event["loss"] for event in little.events(halved, "step")}
    assert steps == {event["step"]: event["loss"] for event in little.events(whole, "step")}
    assert little.report(halved)["after"] == little.report(whole)["after"]


@pytest.mark.slow
def test_a_chain_goes_on_inside_the_stage_where_it_was_stopped(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = little.recipe(world, "ft/sft>orpo:lora", "preference", "preference_accuracy", train__max_steps=4)
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    little.start(whole, made)
    halve(halved, made, 2, monkeypatch, begun=4)
    steps = {event["step"]: event["loss"] for event in little.events(halved, "step")}
    assert steps == {event["step"]: event["loss"] for event in little.events(whole, "step")}
    assert list(steps) == list(range(1, 9))
    assert little.report(halved)["after"] == little.report(whole)["after"]
