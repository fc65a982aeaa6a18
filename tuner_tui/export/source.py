"""What is exported is read once and never changed: the exact recipe and, for weights, the run that made them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from advisor.errors import InputError
from advisor.methods import Objective, Technique
from advisor.recipe import Recipe, decode_recipe
from tuner_tui.runs.directory import RunDir, find_run

TECHNIQUES = (Technique.FULL, Technique.LORA, Technique.QLORA)
RECIPE_SUFFIXES = (".yaml", ".yml", ".json")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe (with its bytes as they are on the disk) and the run it belongs to, None for a recipe alone."""

    recipe: Recipe
    text: bytes
    path: Path
    run: RunDir | None

    @property
    def sha256(self) -> str:
        """The hash that the run's report carries."""
        return hashlib.sha256(self.text).hexdigest()

    @property
    def judged(self) -> Recipe:
        """The recipe whose held-out data judged the run: its own, or that of the last stage of a chain."""
        count = len(self.recipe.in_order)
        if self.run is None or count < 2:
            return self.recipe
        for folder in self.run.path.glob(f"stages/{count}-*"):
            path = folder / "recipe.yaml"
            return decode_recipe(path.read_bytes(), str(path)) if path.is_file() else self.recipe
        return self.recipe

    def one_stage(
        self, objectives: Iterable[str], techniques: Iterable[str] = TECHNIQUES, *, goes_on: bool = False
    ) -> Objective:
        """The objective to write for another tool; InputError when the recipe asks for more than such files can do.

        `goes_on`: the target can go on training an earlier run's adapter.
        """
        label, stages = self.recipe.parsed_label, self.recipe.in_order
        allowed, means = tuple(objectives), tuple(techniques)
        if len(stages) != 1 or label.technique not in means or stages[0][0] not in allowed:
            raise InputError(
                "export.label", label=self.recipe.label, objectives=", ".join(allowed), techniques=", ".join(means)
            )
        if self.recipe.model.adapter is not None and not goes_on:
            raise InputError("export.beyond", path=self.path, key="model.adapter")
        return stages[0][0]

    @property
    def name(self) -> str:
        """What to call the result: the recipe's own name, else the run's."""
        if self.recipe.name != "run" or self.run is None:
            return self.recipe.name
        return self.run.id

    def weights(self) -> Path:
        """The folder of trained weights: `adapter/` or `model/`; InputError when there are none."""
        if self.run is None:
            raise InputError("export.needs_run", path=self.path)
        for folder in (self.run.adapter, self.run.model):
            if any(folder.glob("*.safetensors")):
                return folder
        raise InputError("export.no_weights", run=self.run.id, path=self.run.path)

    def file(self, path: str) -> Path:
        """A data or model path of the recipe, absolute; relative ones are relative to the recipe's folder."""
        return (self.path.parent / Path(path).expanduser()).resolve()


def find_source(wanted: str) -> Source:
    """A run (id, beginning of one, `last`, folder) or a recipe file; InputError says what is wrong."""
    path = Path(wanted).expanduser()
    run = None if path.suffix.lower() in RECIPE_SUFFIXES else find_run(wanted)
    file = (run.recipe_path if run else path).absolute()
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        raise InputError("file.missing", path=file) from None
    except OSError as error:
        raise InputError("file.unreadable", path=file, detail=error.strerror or str(error)) from None
    return Source(recipe=decode_recipe(text, str(file)), text=text, path=file, run=run)
