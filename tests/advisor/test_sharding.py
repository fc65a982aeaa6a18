"""What several GPUs share, held against torch's own sharding of the real model in two processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from advisor.memory import spec_from
from advisor.memory.weights import Held, held

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 352,
    "vocab_size": 1001,
    "tie_word_embeddings": False,
}


def measured(strategy: str, technique: str, config: dict[str, Any] = CONFIG) -> list[dict[str, int]]:
    """What each of two processes holds."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    worker = str(Path(__file__).with_name("sharded.py"))
    asked = [str(port), strategy, technique, json.dumps(config)]
    children = [
        subprocess.Popen(
            [sys.executable, worker, str(rank), "2", *asked],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for rank in range(2)
    ]
    answers = [child.communicate(timeout=240) for child in children]
    assert [child.returncode for child in children] == [0, 0], answers
    return [json.loads(out.splitlines()[-1]) for out, _ in answers]


def computed(strategy: str, technique: str, config: dict[str, Any] = CONFIG) -> Held:
    """Our own numbers for the same set-up."""
    keys = {"technique": technique, "strategy": strategy, "n_gpus": 2, "precision": "fp32", "optimizer": "adamw_torch"}
    return held(spec_from({"model": {"config": config}, **keys}, "test"))


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "technique"), [("fsdp2", "full"), ("fsdp2", "lora"), ("ddp", "full")])
def test_each_processes_share_is_what_torch_gives_it(strategy: str, technique: str) -> None:
    shares, ours = measured(strategy, technique), computed(strategy, technique)
    for part in ("weights", "adapters", "gradients", "states"):
        mean = sum(share[part] for share in shares) / len(shares)
        assert mean == pytest.approx(getattr(ours, part), rel=2e-3), part


@pytest.mark.slow
def test_copies_that_exchange_gradients_hold_them_a_second_time_in_buckets() -> None:
    large = {**CONFIG, "hidden_size": 1024, "intermediate_size": 4096, "vocab_size": 32000}
    ours = computed("ddp", "full", large)
    assert ours.buckets == ours.gradients
    shares = measured("ddp", "full", large)
    for share in shares:
        assert share["grew"] == pytest.approx(ours.gradients + ours.buckets, rel=0.25)


def test_more_gpus_never_need_more_each_and_only_the_shared_parts_shrink() -> None:
    parts = {strategy: computed(strategy, "full") for strategy in ("ddp", "zero2", "fsdp2", "zero3")}
    assert parts["ddp"].weights == 2 * parts["fsdp2"].weights == 2 * parts["zero3"].weights
    assert parts["zero2"].weights == parts["ddp"].weights
    assert parts["zero2"].states == parts["fsdp2"].states == parts["ddp"].states / 2
