"""A chain leaves as the stages that our own training would do, each beginning with what the one before left."""

from __future__ import annotations

from msgspec import structs

from advisor.methods import Label
from advisor.recipe import Stage
from tuner_tui.export.outcome import Task


def stages_of(task: Task) -> list[Task]:
    """One task for each stage, with the recipe of that stage alone; a recipe of one stage is its own."""
    recipe = task.source.recipe
    if len(recipe.in_order) == 1:
        return [task]
    found: list[Task] = []
    for number, objectives in enumerate(recipe.in_order, 1):
        asked = recipe.stages[number - 1] if recipe.stages else Stage(objective="+".join(objectives))
        before = found[-1].source.recipe.name if found else None
        stage = structs.replace(
            recipe,
            name=f"{number}-{'+'.join(objectives)}",
            label=str(Label(recipe.parsed_label.approach, (objectives,), recipe.parsed_label.technique)),
            stages=[],
            data=recipe.stage_data(number - 1),
            train=asked.train or recipe.train,
            model=structs.replace(recipe.model, adapter=f"../{before}/out") if before else recipe.model,
        )
        found.append(structs.replace(task, source=structs.replace(task.source, recipe=stage)))
    return found
