"""A model that the user names is loaded from safetensors without its own code, or an error names it and the remedy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from advisor.errors import InputError
from tuner_tui.retrieval.embed import Embedder
from tuner_tui.retrieval.rerank import Reranker


def embedder(model: str, device: str) -> Embedder:
    """The embedding model; InputError when it cannot be one."""
    with _named(model):
        return Embedder(model, device)


def reranker(model: str, device: str) -> Reranker:
    """The reranker; InputError when it cannot be one."""
    with _named(model):
        return Reranker(model, device)


@contextmanager
def _named(model: str) -> Iterator[None]:
    folder = Path(model).expanduser()
    if folder.is_dir():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        if not any(folder.glob("*.safetensors")):
            raise InputError("retrieval.model_weights", model=model)
    elif folder.exists() or model.startswith((".", "/", "~")):
        raise InputError("retrieval.model_missing", model=model)
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError("retrieval.model", model=model, detail=detail[:300]) from error
