"""Rows of like length together, an end when nothing is gained, the best weights kept: each seen in real runs."""

from itertools import chain
from pathlib import Path
from typing import Any

import little
import pytest

from tuner_tui.training.order import POOL_BATCHES, Grouped


@pytest.mark.parametrize(("count", "batch"), [(64, 8), (61, 8), (5, 8), (200, 4)])
def test_every_row_comes_once_an_epoch_in_an_order_of_seed_and_epoch(count: int, batch: int) -> None:
    lengths = [(row * 37) % 101 + 1 for row in range(count)]
    order = Grouped(lengths, batch, seed=5)
    first = list(order)
    assert sorted(first) == list(range(count))
    assert first == list(Grouped(lengths, batch, seed=5))
    order.set_epoch(1)
    assert sorted(order) == list(range(count))
    assert count < batch or list(order) != first


def test_a_batch_holds_rows_of_like_length_and_batches_come_mixed() -> None:
    lengths = [(row * 37) % 101 + 1 for row in range(8 * POOL_BATCHES)]
    rows = list(Grouped(lengths, 8, seed=1))
    batches = [[lengths[row] for row in rows[at : at + 8]] for at in range(0, len(rows), 8)]
    spreads = [max(batch) - min(batch) for batch in batches]
    assert max(spreads) <= 101 / POOL_BATCHES + 8
    means = [sum(batch) for batch in batches]
    assert means != sorted(means)


def lengths_of(trainer: Any) -> list[list[int]]:
    """How many tokens the rows of each batch have, as the trainer's own loader gives them."""
    return [batch["attention_mask"].sum(dim=1).tolist() for batch in trainer.get_train_dataloader()]


def test_the_trainers_own_batches_are_grouped_when_the_recipe_says_so(world: Path, tmp_path: Path) -> None:
    from test_training_traps import ready

    rows = [{"prompt": f"say {word} " + "apple " * (at % 7 * 3), "completion": "4!"} for at, word in enumerate(LONG)]
    padded, grouped = (
        lengths_of(ready(world / "model", tmp_path / kind, rows, micro_batch=4, max_length=96, batching=kind).trainer)
        for kind in ("padded", "grouped")
    )
    wasted = [sum(max(batch) * len(batch) - sum(batch) for batch in found) for found in (padded, grouped)]
    assert sorted(chain(*padded)) == sorted(chain(*grouped))
    assert wasted[1] < wasted[0] / 2


LONG = [f"{verb} {word}" for verb in little.VERBS for word in little.WORDS]


@pytest.mark.slow
def test_a_run_that_gains_nothing_ends_early_and_says_so(world: Path, tmp_path: Path) -> None:
    still = {"max_steps": 30, "learning_rate": 1e-12, "eval_steps": 2, "patience": 2, "micro_batch": 8, "threads": 1}
    made = little.recipe(world, "ft/sft:lora", "pairs", "loss", train=still | {"max_length": 48})
    assert little.start(tmp_path / "run", made) == 0, little.events(tmp_path / "run", "exit")
    found = little.report(tmp_path / "run")
    assert found["steps"] == 6
    assert "levelled" in [event["code"] for event in little.events(tmp_path / "run", "warn")]
    assert {check["id"]: check["passed"] for check in found["checks"]}["steps"]


def test_the_result_is_the_checkpoint_with_the_lowest_held_out_loss(world: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    run = tmp_path / "run"
    few = [{"prompt": f"tell {word}", "completion": "no."} for word in little.WORDS[:2]]
    little.write(tmp_path / "few.jsonl", few)
    made = little.recipe(world, "ft/sft:lora", "pairs", "loss")
    made["data"]["train"] = str(tmp_path / "few.jsonl")
    made["train"] |= {"max_steps": 40, "learning_rate": 0.05, "micro_batch": 2, "eval_steps": 4, "save_steps": 4}
    made["train"] |= {"keep_best": True, "keep_checkpoints": 2}
    assert little.start(run, made) == 0, little.events(run, "exit")
    found = little.report(run)
    losses = {event["step"]: event["loss"] for event in little.events(run, "eval") if "when" not in event}
    best = min(losses, key=losses.__getitem__)
    assert best < 40, losses
    assert found["best_step"] == best
    assert losses[40] > losses[best]
    kept = load_file(run / "checkpoints" / f"checkpoint-{best}" / "adapter_model.safetensors")
    result = load_file(run / "adapter" / "adapter_model.safetensors")
    assert all(torch.equal(result[name], kept[name]) for name in kept)
