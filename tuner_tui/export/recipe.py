"""The recipe leaves byte for byte, so that its hash is still the one in the run's report."""

from __future__ import annotations

from advisor.recipe import decode_recipe
from tuner_tui.export.outcome import Outcome, Task


def export(task: Task) -> Outcome:
    """Write `recipe.yaml` and read it back."""
    source = task.source
    path = task.place.write("recipe.yaml", source.text)
    same = decode_recipe(path.read_bytes(), str(path)) == source.recipe
    checks = [task.check("recipe_reads_back", same, value=source.sha256)]
    report = source.run.report() if source.run else None
    if report is not None:
        matches = report.get("recipe_sha256") == source.sha256
        checks.append(task.check("recipe_is_the_runs", matches, value=source.sha256))
    return Outcome(checks=checks, notes=notes(task))


def notes(task: Task) -> list[str]:
    """Which files the recipe points to: they do not travel with it."""
    recipe = task.source.recipe
    named = [recipe.model.id, recipe.data.train, recipe.data.eval, recipe.data.docs]
    named += [recipe.retrieval.chunk_tokenizer, recipe.retrieval.embedding, recipe.retrieval.reranker]
    found = [str(task.source.file(name)) for name in named if name and task.source.file(name).exists()]
    return [task.say("note.points_to", paths=", ".join(found))] if found else []
