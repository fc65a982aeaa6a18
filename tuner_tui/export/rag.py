"""Retrieval leaves as passages, the recipe they were built by, and a script that answers questions with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from advisor.errors import InputError
from advisor.recipe import Recipe
from tuner_tui.export.asking import (
    FOLDER,
    ask_script,
    asks_the_same,
    instruction,
    model_values,
    needed,
    prompting,
    questions_of,
    searching,
    unconstrained,
)
from tuner_tui.export.outcome import Outcome, Task

if TYPE_CHECKING:
    from tuner_tui.retrieval.measure import Measure

KIWI = ("kiwipiepy", "kiwipiepy-model")


def export(task: Task) -> Outcome:
    """Write `rag/`: `index.json`, `build.json`, `ask.py` and what it needs; vectors and adapter where it has any."""
    from tuner_tui.retrieval.build import build
    from tuner_tui.retrieval.prompt import with_passages

    docs = task.source.recipe.data.docs
    if docs is None:
        raise InputError("export.no_docs", path=task.source.path)
    spec = task.source.recipe.retrieval
    built = build(task.source.file(docs), located(task).retrieval, measure(task))
    marks = marks_of(task)
    chunks = [msgspec.to_builtins(chunk) for chunk in built.chunks]
    task.place.write("rag/index.json", json.dumps(chunks, ensure_ascii=False, indent=0) + "\n")
    rule = recipe_of_index(task, docs, set(built.about["skipped"])) | {"embedding": take_vectors(task, chunks)}
    task.place.write("rag/build.json", json.dumps(rule, ensure_ascii=False, indent=2) + "\n")
    task.place.write("rag/requirements.txt", "\n".join(needs(rule)) + "\n")
    values = {
        **model_values(task),
        "ADAPTER": take_adapter(task, "rag"),
        "PASSAGES": spec.passages,
        "RETRIEVER": spec.retriever.value,
        "TERMS": rule["terms"],
        "EMBEDDING": spec.embedding and model_place(task, spec.embedding),
        "RERANKER": spec.reranker and model_place(task, spec.reranker),
        "ABSENT": spec.absent,
        "MARKS": marks,
    }
    told = instruction(task)
    script = task.place.write("rag/ask.py", ask_script(task, {**values, **prompting(told)}, modules()))

    def asked(question: str) -> list[dict[str, str]]:
        passages = [found.chunk for found in built.search(question, spec.passages)]
        turn = {"role": "user", "content": with_passages(question, passages, marks, spec.absent)}
        return [*([{"role": "system", "content": told}] if told else []), turn]

    check = asks_the_same(task, script, questions_of(task), asked)
    return Outcome(checks=[check], notes=[task.say("note.ask", file="rag/ask.py")], unexpressed=unconstrained(task))


def modules() -> list[tuple[Path, tuple[str, ...]]]:
    """The script's parts: our own search and prompt, as they are."""
    return [*searching(), (FOLDER / "retrieve.py", ()), (FOLDER / "shots.py", ()), (FOLDER / "ask.py", ())]


def recipe_of_index(task: Task, docs: str, skipped: set[str]) -> dict[str, Any]:
    """What the index was built from and by, so that it can be built again and compared."""
    from tuner_tui.retrieval.bm25 import K1, B
    from tuner_tui.retrieval.build import terms_name
    from tuner_tui.retrieval.documents import listed, name_of, read

    spec, by, root = task.source.recipe.retrieval, measure(task), task.source.file(docs)
    files = [path for path in listed(root).files if name_of(path, root) not in skipped]
    return {
        "documents": {name_of(path, root): read(path, root).sha256 for path in files},
        "chunks": {"by": by.name, "size": by.size, "overlap": by.overlap},
        "bm25": {"k1": K1, "b": B},
        "terms": terms_name(spec.terms),
        "retriever": spec.retriever.value,
        "reranker": spec.reranker,
        "passages": spec.passages,
        "absent": spec.absent,
    }


def measure(task: Task) -> Measure:
    """The recipe's measure of chunks; characters where the answering model's tokenizer cannot be loaded here."""
    from tuner_tui.retrieval.measure import Characters, measure_of

    try:
        return measure_of(located(task))
    except InputError:
        if task.source.recipe.retrieval.chunk_tokenizer is not None:
            raise
        return Characters()


def located(task: Task) -> Recipe:
    """The recipe with its models where they lie."""
    recipe = task.source.recipe
    named = {
        name: model_place(task, model)
        for name in ("chunk_tokenizer", "embedding", "reranker")
        if (model := getattr(recipe.retrieval, name))
    }
    return structs.replace(
        recipe,
        model=structs.replace(recipe.model, id=model_place(task, recipe.model.id)),
        retrieval=structs.replace(recipe.retrieval, **named),
    )


def model_place(task: Task, model: str) -> str:
    """A model's folder as an absolute path; a hub id as it is."""
    local = task.source.file(model)
    return str(local) if local.is_dir() else model


def take_vectors(task: Task, chunks: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Write the passages' vectors beside the script; what made them, None without an embedding model."""
    spec = task.source.recipe.retrieval
    if spec.embedding is None:
        return None
    import numpy

    from tuner_tui.retrieval.models import embedder

    model = embedder(model_place(task, spec.embedding), "cpu")
    vectors = model.passages([f"{each['heading']} {each['text']}".strip() for each in chunks])
    numpy.save(task.place.path / "rag" / "vectors.npy", vectors)
    return {"model": spec.embedding, "fingerprint": model.fingerprint, "dims": vectors.shape[1]}


def needs(rule: dict[str, Any]) -> list[str]:
    """What the script needs of pip, as installed here."""
    return needed("bm25s", "numpy", *(KIWI if str(rule["terms"]).startswith("kiwi") else ()))


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
