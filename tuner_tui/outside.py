"""The one door from the interface to the work: whatever screens need from elsewhere goes through here, imported late.

Everything here may take time, so screens call it from workers; bad input arrives as InputError.
A part that is not installed raises Unavailable, and the screen says so instead of showing something else.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tuner_tui import paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from advisor.facts import Facts
    from advisor.recipe import DataSpec, ModelSpec, Recipe

    Heard = Callable[[int, float | None], None]


class Unavailable(RuntimeError):
    """A part of the work that this installation does not have."""


def _part(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        if isinstance(error, ImportError) and not (error.name or "").startswith(("advisor", "tuner_tui")):
            raise
        raise Unavailable(f"{module}.{name}") from None


class Outside:
    """The work as the screens see it; tests put another one in its place."""

    def probe(self) -> Any:
        """The machine now (probe.Machine)."""
        return _part("tuner_tui.probe", "probe")()

    def inspect(self, path: str, lang: str, model: str | None, test: str | None, heard: Heard) -> Any:
        """What a data file or a folder of documents holds (Inspection), its problems in this language.

        `heard` is told of rows and the share of bytes read, and may raise to end it.
        """
        folder = Path(model).expanduser() if model else None
        counts = folder is not None and (folder / "tokenizer.json").is_file()
        return _part("tuner_tui.inspect", "inspect")(
            Path(path).expanduser(), lang=lang, model=folder if counts else None, test=test, heard=heard
        )

    def row(self, path: str, number: int, mapping: dict[str, str], model: str | None) -> tuple[Any, Any]:
        """A row as it stands (OneRow), and its tokens (Piece), None where it is left out or the model is not here."""
        found = _part("tuner_tui.inspect.one", "row_at")(path, number, mapping)
        folder = Path(model).expanduser() if model else None
        if found.talk is None or folder is None or not (folder / "tokenizer.json").is_file():
            return found, None
        return found, _part("tuner_tui.inspect.tokens", "Counter")(folder).pieces(found.talk)

    def make_ready(self, path: str, out: str, choice: Any, heard: Heard) -> Any:
        """Data prepared in a new folder (Prepared); `heard` as for `inspect`."""
        return _part("tuner_tui.inspect.prepare", "prepare")(path, out, choice, heard=heard)

    def local_models(self) -> list[Any]:
        """The models on this machine (FoundModel)."""
        return list(_part("tuner_tui.model_folders", "local_models")())

    def catalog_models(self) -> list[Any]:
        """Open models that are known by name (FoundModel)."""
        return list(_part("tuner_tui.model_folders", "catalog_models")())

    def known_model(self, name: str) -> Any:
        """What is known of a hub name (FoundModel)."""
        return _part("tuner_tui.model_folders", "known_model")(name)

    def gpu_memory(self, name: str) -> float | None:
        """GiB of the GPU of this name, as printed on the box; None when it is not in the catalogue."""
        known = _part("advisor.catalog", "find_gpu")(name)
        return None if known is None else float(known.vram_gb)

    def read_model(self, folder: Path) -> Any:
        """What a model folder holds (FoundModel); InputError when it cannot be used."""
        return _part("tuner_tui.model_folders", "read_model")(folder)

    def known_gpus(self) -> list[tuple[str, float]]:
        """Name and GiB of the GPUs in the catalogue, as printed on the box; none when there is no catalogue."""
        try:
            gpus = _part("advisor.catalog", "gpus")()
        except Unavailable:
            return []
        return [(gpu.name, gpu.vram_gb) for gpu in gpus]

    def recommend(self, facts: Facts, lang: str, flips: bool) -> Any:
        """Advice by contract 4.2."""
        return _part("advisor.engine", "recommend")(facts, lang=lang, flips=flips)

    def plan_recipe(self, facts: Facts, label: str, model: ModelSpec, data: DataSpec, lang: str) -> tuple[Recipe, int]:
        """A complete recipe with defaults by rule, as `tuner plan` makes it, and the rows that can be trained on."""
        from tuner_tui.planned import planned

        return planned(facts, label, model, data, lang)

    def predict(self, recipe: Recipe, params_b: float | None) -> Any:
        """GiB of GPU memory computed for this recipe (low, likely, high); None when too little is known."""
        return _part("tuner_tui.foreseen", "gpu_memory")(recipe, params_b)

    def practice_facts(self) -> Facts:
        """The practice answers that ship with the samples."""
        from advisor.facts import decode_facts

        path = paths.samples() / "facts" / "practice.yaml"
        if not path.is_file():
            raise Unavailable(str(path.name))
        return decode_facts(path.read_bytes(), path.name)

    def export_targets(self, run: str) -> tuple[str, ...]:
        """What can be made of a run now: those that need weights only when it has them."""
        found = self.find_run(run)
        trained = {path.parent.name for path in found.path.glob("*/*.safetensors")}
        targets = _part("tuner_tui.export.targets", "TARGETS").values()
        return tuple(
            t.name for t in targets if not t.weights or (trained and (t.name != "adapter" or "adapter" in trained))
        )

    def export_command(self, run: str, target: str, out: Path, lang: str) -> tuple[list[str], dict[str, str]]:
        """The child process that writes one export, and its environment."""
        module = [sys.executable, "-P", "-m", "tuner_tui.export"]
        command = [*module, f"--to={target}", f"--out={out}", "--json", "--", run]
        environment = _part("tuner_tui.runs.spawn", "child_environment")(os.environ)
        return command, {**environment, "TUNER_LANG": lang}

    def prepare(self, recipe: Recipe, source: str) -> Recipe:
        """The recipe with absolute paths, once everything that it names was looked at."""
        return cast("Recipe", _part("tuner_tui.runs.preflight", "prepare")(recipe, source))

    def rehearsing(self, recipe: Recipe) -> Any:
        """A rehearsal that has begun (runs.rehearsal.Rehearsing)."""
        return _part("tuner_tui.runs.rehearsal", "Rehearsing")(recipe)

    def changed(self, recipe: Recipe, change: dict[str, Any]) -> Recipe:
        """The recipe with keys such as `train.micro_batch` set."""
        from advisor.recipe import decode_recipe, encode_recipe

        sets = [f"{key}={str(value).lower()}" for key, value in change.items()]
        return decode_recipe(encode_recipe(recipe), "recipe", sets)

    def lanes(self, run: str) -> list[str]:
        """The lanes that are possible for a run."""
        from tuner_tui import bakeoff

        found = self.find_run(run)
        return bakeoff.lanes_for(bakeoff.recipe_of(found), bakeoff.result_of(found) is not None, None)

    def bakeoff(
        self, run: str, lanes: list[str], goal: float, lang: str, heard: Callable[[dict[str, Any] | None], None]
    ) -> dict[str, Any]:
        """These lanes on a run's held-out questions: the document of `tuner compare --json`.

        `heard` gets the events of bakeoff.compare, and may raise to end it. InputError, or bakeoff.Failed when the work
        failed.
        """
        from tuner_tui import bakeoff
        from tuner_tui.words import words

        found = self.find_run(run)
        recipe = bakeoff.recipe_of(found)
        return bakeoff.compare(
            recipe,
            lanes,
            tuned=bakeoff.result_of(found),
            goal=goal,
            told=words(lang),
            tell=lambda line: None,
            advice=bakeoff.advised(recipe),
            heard=heard,
        )

    def create_run(self, recipe: Recipe, text: str, rehearsed: Any = None) -> Any:
        """A new run directory, state queued; what was measured of its recipe is not measured again.

        Without `rehearsed` (a runs.rehearsal.Rehearsed) nothing is measured: it was declined.
        """
        skip = _part("tuner_tui.runs.directory", "Rehearse").SKIP
        if rehearsed is None:
            return _part("tuner_tui.runs.directory", "create_run")(recipe, text, rehearse=skip)
        run = _part("tuner_tui.runs.directory", "create_run")(recipe, text)
        _part("tuner_tui.runs.rehearsal", "hand_over")(run, rehearsed)
        return run

    def launch(self, run: Any) -> None:
        """Start the training child in its own process session."""
        _part("tuner_tui.runs.supervisor", "launch")(run)

    def resume(self, run: Any) -> None:
        """Go on from the last checkpoint."""
        _part("tuner_tui.runs.supervisor", "resume")(run)

    def begin_anew(self, run: Any, action: str) -> Any:
        """A new run from this one's recipe with a coach's change."""
        return _part("tuner_tui.runs.actions", "begin_anew")(run, action)

    def stop(self, run: Any) -> Any:
        """The ladder that stops a run; climb it until it says gone."""
        return _part("tuner_tui.runs.supervisor", "request_stop")(run)

    def list_runs(self) -> list[Any]:
        """All run directories, the newest first."""
        return list(_part("tuner_tui.runs.directory", "list_runs")())

    def find_run(self, wanted: str) -> Any:
        """The run of an id."""
        return _part("tuner_tui.runs.directory", "find_run")(wanted)

    def state_of(self, run: Any) -> str:
        """The true state of a run, as a word of contract 4.3."""
        return str(_part("tuner_tui.runs.state", "state_of")(run).value)

    def watch(self, run: Any) -> Any:
        """A watcher of a run (runs.watch.RunWatch)."""
        return _part("tuner_tui.runs.watch", "RunWatch")(run)
