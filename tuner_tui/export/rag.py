"""Retrieval leaves as passages, the recipe they were built by, and a script that answers questions with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from tuner_tui.export.asking import FOLDER, ask_script, asks_the_same, model_values, questions_of
from tuner_tui.export.outcome import Outcome, Task

PASSAGES = 3


def export(task: Task) -> Outcome:
    """Write `rag/`: `index.json`, `build.json`, `ask.py` and, of a tuned run, its adapter."""
    from tuner_tui.retrieval import index as ours
    from tuner_tui.retrieval.prompt import with_passages

    docs = task.source.recipe.data.docs
    if docs is None:
        raise InputError("export.no_docs", path=task.source.path)
    built = ours.build(task.source.file(docs))
    marks = marks_of(task)
    chunks = [msgspec.to_builtins(chunk) for chunk in built.chunks]
    task.place.write("rag/index.json", json.dumps(chunks, ensure_ascii=False, indent=0) + "\n")
    task.place.write("rag/build.json", json.dumps(recipe_of_index(task, docs), ensure_ascii=False, indent=2) + "\n")
    values = {**model_values(task), "ADAPTER": take_adapter(task, "rag"), "PASSAGES": PASSAGES, "MARKS": marks}
    script = task.place.write("rag/ask.py", ask_script(task, {**values, "EXAMPLES": []}, modules()))

    def asked(question: str) -> list[dict[str, str]]:
        passages = [found.chunk for found in built.search(question, PASSAGES)]
        return [{"role": "user", "content": with_passages(question, passages, marks)}]

    check = asks_the_same(task, script, questions_of(task), asked)
    return Outcome(checks=[check], notes=[task.say("note.ask", file="rag/ask.py")])


def modules() -> list[tuple[Path, tuple[str, ...]]]:
    """The script's parts: our own search and prompt, as they are."""
    retrieval = Path(__file__).parents[1] / "retrieval"
    return [
        (FOLDER / "chunk.py", ()),
        (retrieval / "terms.py", ()),
        (retrieval / "prompt.py", ()),
        (retrieval / "index.py", ("K1", "B", "Index")),
        (FOLDER / "retrieve.py", ()),
        (FOLDER / "ask.py", ()),
    ]


def recipe_of_index(task: Task, docs: str) -> dict[str, Any]:
    """What the index was built from and by, so that it can be built again and compared."""
    from tuner_tui.retrieval.chunks import CHARACTERS
    from tuner_tui.retrieval.documents import documents
    from tuner_tui.retrieval.index import K1, B

    files = {document.name: document.sha256 for document in documents(task.source.file(docs))}
    return {"documents": files, "chunk_characters": CHARACTERS, "bm25": {"k1": K1, "b": B}, "passages": PASSAGES}


def marks_of(task: Task) -> list[str]:
    """The tokenizer's special tokens, which no passage may carry; none where the tokenizer cannot be loaded."""
    from tuner_tui.training.model import load_tokenizer

    try:
        tokenizer = load_tokenizer(task.source.recipe.model)
    except InputError:
        return []
    return sorted({*tokenizer.all_special_tokens, *tokenizer.get_added_vocab()})


def take_adapter(task: Task, folder: str) -> str | None:
    """Copy the run's adapter beside the script; returns its folder's name, None where there is none."""
    run = task.source.run
    if run is None or not (run.adapter / "adapter_config.json").is_file():
        return None
    shutil.copytree(run.adapter, task.place.path / folder / "adapter")
    return "adapter"
