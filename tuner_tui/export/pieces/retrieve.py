"""The passages for a question, from `index.json` (and `vectors.npy`) beside the script."""

import json
from functools import cache
from typing import Any

from tuner_tui.export.pieces.ask_settings import ABSENT, EMBEDDING, HERE, MARKS, PASSAGES, RERANKER, RETRIEVER, TERMS
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.embed import Embedder
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.nearest import exact
from tuner_tui.retrieval.prompt import with_passages
from tuner_tui.retrieval.rerank import Reranker
from tuner_tui.retrieval.terms import cutter


@cache
def index() -> Any:
    """The search index over all passages."""
    chunks = [Chunk(**each) for each in json.loads((HERE / "index.json").read_text(encoding="utf-8"))]
    try:
        cut = cutter(TERMS)
    except ValueError as error:
        raise SystemExit(f"This index needs the tokenizer that built it: {error}") from None
    rerank = Reranker(RERANKER).scores if RERANKER else None
    return Index(chunks, cut=cut, nearest=nearest(len(chunks)), rerank=rerank, retriever=RETRIEVER)


def nearest(total: int) -> Any:
    """The search by meaning; None where no embedding model was exported."""
    if EMBEDDING is None:
        return None
    import numpy

    model, numbers = Embedder(EMBEDDING), numpy.arange(total)
    built = json.loads((HERE / "build.json").read_text(encoding="utf-8"))["embedding"]["fingerprint"]
    if built != model.fingerprint:
        raise SystemExit(f"{EMBEDDING} is not the model that made vectors.npy ({model.fingerprint}, not {built})")
    vectors = numpy.load(HERE / "vectors.npy", mmap_mode="r")
    return exact([(vectors, numbers)], total, lambda question: model.questions([question])[0])


def grounded(question: str) -> tuple[str, list[str]]:
    """The question below its passages, and where these come from."""
    passages = [found.chunk for found in index().search(question, PASSAGES)]
    return with_passages(question, passages, MARKS, ABSENT), [chunk.cited for chunk in passages]
