"""The child process of `tuner index`: it reads one request, tells its progress line by line, and writes one result."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from advisor.answering import RetrievalSpec
from tuner_tui.child import ended, tell
from tuner_tui.retrieval.build import build
from tuner_tui.retrieval.documents import listed
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.measure import Characters, Measure, tokens
from tuner_tui.retrieval.score import retrieved
from tuner_tui.runs.directory import write_atomic
from tuner_tui.words import language

SHOWN = 400


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What to index, by which settings, what to ask of it, and where the result goes."""

    docs: str
    spec: RetrievalSpec
    tokenizer: str | None
    store: str | None
    asked: list[str]
    named: list[tuple[str, str]]
    out: str


def main(argv: list[str] | None = None) -> int:
    """`python -m tuner_tui.retrieval REQUEST.json`; 0 done, 1 failed, 2 bad input."""
    request = msgspec.json.decode(Path((argv or sys.argv[1:])[0]).read_bytes(), type=Request)
    return ended(lambda: write_atomic(Path(request.out), msgspec.json.encode(work(request))), "index")


def work(request: Request) -> dict[str, Any]:
    """Build or update the index, ask it, score it."""
    docs, spec, began = Path(request.docs), request.spec, time.monotonic()
    by = measure(request)
    index = build(
        docs,
        spec,
        by,
        store=Path(request.store) if request.store else None,
        device=device(spec),
        told=lambda done, total: tell("read", done=done, total=total),
    )
    return {
        "store": index.about["store"],
        "files": index.about["files"],
        "chunks": len(index.chunks),
        "chunked": {"by": by.name, "size": by.size, "overlap": by.overlap},
        "terms": index.about["terms"],
        "retriever": spec.retriever.value,
        "embedding": index.about["embedding"],
        "left_out": listed(docs).others,
        "skipped": index.skipped(language()),
        "seconds": round(time.monotonic() - began, 3),
        "found": [{"question": question, "passages": passages(index, question)} for question in request.asked],
        "scores": msgspec.to_builtins(retrieved(index, request.named)),
    }


def passages(index: Index, question: str) -> list[dict[str, Any]]:
    """What is found, best first."""
    return [
        {"cited": found.chunk.cited, "score": round(found.score, 6), "text": found.chunk.text[:SHOWN]}
        for found in index.search(question, index.passages)
    ]


def measure(request: Request) -> Measure:
    """Tokens of the named tokenizer; characters where none is known."""
    spec = request.spec
    if request.tokenizer is None:
        return Characters()
    return tokens(request.tokenizer, spec.chunk_tokens, spec.chunk_overlap)


def device(spec: RetrievalSpec) -> str:
    """A GPU where there is one and a model to run on it; torch is not loaded for nothing."""
    if spec.embedding is None and spec.reranker is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    sys.exit(main())
