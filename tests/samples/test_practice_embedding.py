"""The practice embedding model is what its card says: small, made from nothing, right on the practice questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.answering import RetrievalSpec, Retriever, Terms
from tuner_tui.retrieval.build import build
from tuner_tui.retrieval.score import retrieved

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def test_it_is_small_and_all_weights_together_too() -> None:
    own = sum(path.stat().st_size for path in (SAMPLES / "embedding").rglob("*"))
    assert own < 10e6
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*.safetensors")) < 30e6


def test_dense_and_fusion_find_the_held_out_practice_questions(tmp_path: Path) -> None:
    spec = RetrievalSpec(retriever=Retriever.FUSION, terms=Terms.BIGRAMS, embedding=str(SAMPLES / "embedding"))
    index = build(SAMPLES / "world", spec, store=tmp_path / "store")
    lines = (SAMPLES / "data" / "questions.test.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[::5]]
    found = retrieved(index, [(row["question"], row["doc"]) for row in rows])
    assert found is not None
    assert found.by["dense"].recall["1"] > 0.9
    assert found.by["fusion"].recall["3"] > 0.95
    assert index.about["embedding"]["cut"] == 0


@pytest.mark.slow
def test_it_is_made_again_to_the_byte(tmp_path: Path) -> None:
    import subprocess
    import sys

    subprocess.run([sys.executable, SAMPLES / "make" / "embedding.py", "--out", tmp_path / "made"], check=True)
    for name in ("model.safetensors", "tokenizer.json", "config.json", "modules.json"):
        assert (tmp_path / "made" / name).read_bytes() == (SAMPLES / "embedding" / name).read_bytes(), name
