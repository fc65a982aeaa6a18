"""The passages for a question, from `index.json` beside the script."""

import json
from functools import cache
from typing import Any

from tuner_tui.export.pieces.ask_settings import HERE, MARKS, PASSAGES
from tuner_tui.retrieval.chunks import Chunk
from tuner_tui.retrieval.index import Index
from tuner_tui.retrieval.prompt import with_passages


@cache
def index() -> Any:
    """The search index over all passages."""
    return Index([Chunk(**each) for each in json.loads((HERE / "index.json").read_text(encoding="utf-8"))])


def grounded(question: str) -> tuple[str, list[str]]:
    """The question below its passages, and where these come from."""
    passages = [found.chunk for found in index().search(question, PASSAGES)]
    return with_passages(question, passages, MARKS), [chunk.cited for chunk in passages]
