"""Vectors are made as the model's folder says, kept by model and segment, searched exactly, fused and reranked."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from advisor.answering import RetrievalSpec, Retriever, Terms
from advisor.errors import InputError
from tuner_tui.retrieval import build as building
from tuner_tui.retrieval import models, vectors
from tuner_tui.retrieval.build import build
from tuner_tui.retrieval.embed import Embedder
from tuner_tui.retrieval.index import Index, words_of

MODEL = Path(__file__).resolve().parents[3] / "samples" / "model"
TEXTS = ["솔바람 가격은 5,000원입니다.", "The price of Lumora is 12,300 won. It weighs 3 kg.", "x"]


def encoder(folder: Path, pooling: dict[str, Any], seed: int = 0, dense: bool = False) -> Path:
    """A BERT of random weights in sentence-transformers' layout, with the practice tokenizer."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=3328,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    AutoTokenizer.from_pretrained(MODEL).save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    modules = [{"idx": at, "path": f"{at}_{kind}" if at else "", "type": f"x.{kind}"} for at, kind in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    if dense:
        (folder / "2_Dense").mkdir()
        (folder / "2_Dense" / "config.json").write_text(json.dumps({"in_features": 32, "out_features": 8}))
        save_file(
            {"linear.weight": torch.randn(8, 32), "linear.bias": torch.randn(8)}, folder / "2_Dense/model.safetensors"
        )
    return folder


def reranker(folder: Path, labels: int = 1) -> Path:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=3328,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        pad_token_id=0,
        num_labels=labels,
    )
    model = BertForSequenceClassification(config)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(MODEL).save_pretrained(folder)
    return folder


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    draw = random.Random(5)
    folder = tmp_path / "docs"
    folder.mkdir()
    words = [
        "Lumora",
        "price",
        "won",
        "솔바람",
        "가격은",
        "무게는",
        "3kg",
        "lamp",
        "chair",
        "oak",
        "cloth",
        "is",
        "the",
    ]
    for number in range(30):
        (folder / f"{number:02}.md").write_text(" ".join(draw.choices(words, k=12)), encoding="utf-8")
    return folder


def spec(**settings: Any) -> RetrievalSpec:
    return RetrievalSpec(terms=Terms.BIGRAMS, **settings)


def order(index: Index, question: str, count: int = 30, retriever: str | None = None) -> list[str]:
    return [found.chunk.file for found in index.search(question, count, retriever)]


@pytest.mark.parametrize(
    ("pooling", "dense"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, False),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, True),
        ({"pooling_mode": "max"}, False),
        ({"pooling_mode_lasttoken": True}, False),
    ],
)
def test_a_text_in_a_batch_gets_the_vector_that_it_gets_alone(
    tmp_path: Path, pooling: dict[str, Any], dense: bool
) -> None:
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoTokenizer

    folder = encoder(tmp_path / "model", pooling, dense=dense)
    found = Embedder(str(folder)).passages(TEXTS)
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    for text, vector in zip(TEXTS, found, strict=True):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            states = model(input_ids=ids).last_hidden_state[0]
        ways = {"cls": states[0], "mean": states.mean(0), "max": states.amax(0), "lasttoken": states[-1]}
        wanted = next(ways[name] for name in ways if any(name in str(item) for item in pooling.items() if item[1]))
        if dense:
            layer = load_file(folder / "2_Dense/model.safetensors")
            wanted = torch.tanh(layer["linear.weight"] @ wanted + layer["linear.bias"])
        wanted = torch.nn.functional.normalize(wanted, dim=0)
        assert torch.allclose(torch.tensor(vector), wanted, atol=1e-5)


def test_the_nearest_are_exact_and_the_vectors_of_kept_files_are_kept(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "SEGMENT_CHUNKS", 8)
    model = str(encoder(tmp_path / "model", {"pooling_mode": "mean"}))
    asked = spec(retriever=Retriever.DENSE, embedding=model)
    store = tmp_path / "store"
    index = build(docs, asked, store=store)
    times = {path: path.stat().st_mtime_ns for path in store.rglob("vectors-*.npy")}
    (docs / "31.md").write_text("Lumora price", encoding="utf-8")
    (docs / "03.md").unlink()
    index = build(docs, asked, store=store)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    known = Embedder(model)
    likeness = known.passages([words_of(chunk).strip() for chunk in index.chunks]) @ known.questions(["Lumora?"])[0]
    wanted = [index.chunks[int(at)].file for at in (-likeness).argsort(kind="stable")]
    assert order(index, "Lumora?") == wanted
    assert "03.md" not in wanted


def test_another_models_vectors_are_never_compared(docs: Path, tmp_path: Path) -> None:
    first = str(encoder(tmp_path / "first", {"pooling_mode": "mean"}, seed=1))
    second = str(encoder(tmp_path / "second", {"pooling_mode": "mean"}, seed=2))
    store = tmp_path / "store"
    before = build(docs, spec(retriever=Retriever.DENSE, embedding=first), store=store)
    after = build(docs, spec(retriever=Retriever.DENSE, embedding=second), store=store)
    assert order(before, "Lumora?") != order(after, "Lumora?")
    assert before.about["embedding"]["fingerprint"] != after.about["embedding"]["fingerprint"]


def test_fusion_is_the_sum_of_reciprocal_ranks(docs: Path, tmp_path: Path) -> None:
    model = str(encoder(tmp_path / "model", {"pooling_mode": "mean"}))
    index = build(docs, spec(retriever=Retriever.FUSION, embedding=model), store=tmp_path / "store")
    by = {name: order(index, "price of Lumora", 30, name) for name in ("bm25", "dense")}
    sums = {
        file: sum(1 / (61 + ranking.index(file)) for ranking in by.values() if file in ranking) for file in by["dense"]
    }
    assert order(index, "price of Lumora") == sorted(sums, key=lambda file: (-sums[file], file))


@pytest.mark.parametrize("labels", [1, 2])
def test_the_rerankers_order_is_its_own_scores(docs: Path, tmp_path: Path, labels: int) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = reranker(tmp_path / "model", labels)
    index = build(docs, spec(reranker=str(folder)), store=tmp_path / "store")
    plain = build(docs, spec(), store=tmp_path / "plain").search("Lumora price", 30)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    scores = {}
    for found in plain:
        with torch.no_grad():
            logits = model(**tokenizer("Lumora price", found.chunk.text, return_tensors="pt")).logits[0]
        scores[found.chunk.file] = float(logits[-1] - (logits[0] if labels == 2 else 0))
    assert order(index, "Lumora price", 5) == sorted(scores, key=lambda file: -scores[file])[:5]
    assert order(index, "Lumora price", 5) != [found.chunk.file for found in plain[:5]]


def test_models_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "model", {"pooling_mode": "weightedmean"})
    with pytest.raises(InputError, match="weightedmean"):
        models.embedder(str(folder), "cpu")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match="safetensors"):
        models.embedder(str(folder), "cpu")
    with pytest.raises(InputError, match="num_labels 3"):
        models.reranker(str(reranker(tmp_path / "three", 3)), "cpu")


def test_beyond_the_exact_search_a_graph_answers_or_its_package_is_named(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = str(encoder(tmp_path / "model", {"pooling_mode": "mean"}))
    asked = spec(retriever=Retriever.DENSE, embedding=model)
    wanted = order(build(docs, asked, store=tmp_path / "exact"), "Lumora price", 10)
    monkeypatch.setattr(vectors, "EXACT", 10)
    try:
        import usearch  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(InputError, match=r"tuner\[ann\]"):
            build(docs, asked, store=tmp_path / "store")
        return
    assert order(build(docs, asked, store=tmp_path / "store"), "Lumora price", 10) == wanted
    (docs / wanted[0]).unlink()
    updated = order(build(docs, asked, store=tmp_path / "store"), "Lumora price", 9)
    assert updated == wanted[1:]
