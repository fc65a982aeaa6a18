"""No run folder is made for a recipe that cannot run: what it names is checked first, and made absolute."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from advisor.answering import RetrievalSpec
from advisor.errors import InputError
from advisor.methods import Objective
from advisor.recipe import DataSpec, ModelSpec, Recipe
from tuner_tui.foreign import json_in, mapping, tensors
from tuner_tui.growth import refuse_growth
from tuner_tui.runs.launching import check_launch
from tuner_tui.runs.room import refuse_without_room
from tuner_tui.runs.rows import check_answered, check_rows
from tuner_tui.runs.secrets import key_of, refuse_secrets

Spec = TypeVar("Spec", bound=msgspec.Struct)
INDEX_BYTES = 1 << 28
FORCED = "_attn_implementation_internal"  # CVE-2026-4372: ran code that it named
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json", "vocab.txt", "spiece.model")


def prepare(recipe: Recipe, source: str, base: Path | None = None) -> Recipe:
    """The recipe with absolute paths, everything that it names checked; InputError names file, key or row, remedy.

    A relative path counts from `base` (the recipe's folder) when it exists there, else from the current folder.
    """
    refuse_secrets(recipe, source)
    if not recipe.parsed_label.tunes:
        raise InputError("runs.does_not_tune", source=source, label=recipe.label)
    check_launch(recipe)
    folder = base or Path.cwd()
    ready = msgspec.structs.replace(
        recipe,
        model=_model(recipe.model, folder),
        data=_data(recipe.data, folder),
        retrieval=_retrieval(recipe.retrieval, folder),
        prompting=_beside(recipe.prompting, folder, "schema"),
        evaluation=_beside(recipe.evaluation, folder, "task_folder"),
        stages=[
            msgspec.structs.replace(stage, data=_data(stage.data, folder)) if stage.data else stage
            for stage in recipe.stages
        ],
    )
    check_model(ready.model)
    if recipe.teacher is not None:
        key_of(recipe.teacher.key_env)
    if ready.model.adapter:
        check_adapter(Path(ready.model.adapter))
    _check_data(ready)
    refuse_without_room(ready)
    return ready


def check_model(spec: ModelSpec) -> None:
    """InputError when a local model folder lacks config, weights or tokenizer; a hub id passes."""
    folder = Path(spec.id)
    if not folder.is_absolute():
        return
    if not folder.is_dir():
        raise InputError("runs.model.missing", path=spec.id)
    _check_config(folder / "config.json", spec)
    _check_weights(folder)
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise InputError("runs.model.no_tokenizer", path=spec.id)
    if os.path.lexists(folder / "tokenizer.json"):
        refuse_growth(folder / "tokenizer.json")


def _check_config(path: Path, spec: ModelSpec) -> None:
    if not path.is_file():
        raise InputError("runs.model.no_config", path=str(path.parent))
    config = json_in(path)
    if not isinstance(config, dict):
        raise InputError("runs.model.config", path=str(path), detail=type(config).__name__)
    _check_own_code(path, config, spec)


def _check_own_code(path: Path, config: dict[str, Any], spec: ModelSpec) -> None:
    """A configuration that names code of its own, or sets what the loader alone may set, is not loaded unasked."""
    forced = next((key for key in config if key == "trust_remote_code" or key.startswith(FORCED)), None)
    if forced is not None:
        raise InputError("runs.model.forced", path=str(path), key=forced)
    named = next((file for file in (path, path.with_name("tokenizer_config.json")) if _names_code(file)), None)
    if named is not None and not spec.runs_code and not _known(config):
        raise InputError("runs.model.own_code", path=str(named), model=spec.id)


def _names_code(path: Path) -> bool:
    return bool(mapping(path).get("auto_map"))


def _known(config: dict[str, Any]) -> bool:
    """Whether transformers has this architecture itself: then the model's own code is never needed, nor run."""
    found = importlib.util.find_spec("transformers")
    kind = str(config.get("model_type", "")).replace("-", "_")
    home = Path(found.origin).parent if found is not None and found.origin else None
    return bool(home and kind.isidentifier() and (home / "models" / kind).is_dir())


def _check_weights(folder: Path) -> None:
    """Weights are safetensors, every shard that the index names is there and none is cut off."""
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        raise InputError("runs.model.only_pickle" if _pickles(folder) else "runs.model.no_weights", path=str(folder))
    index = folder / "model.safetensors.index.json"
    if os.path.lexists(index):
        for name in sorted(_shards(index)):
            _check_shard(folder, name)
    for path in found:
        try:
            tensors(path)
        except (OSError, ValueError) as error:
            raise InputError("runs.model.cut_off", path=str(path), detail=str(error)) from None


def _check_shard(folder: Path, name: str) -> None:
    """A shard is a safetensors file beside its index, and is there; what else an index may name is not opened."""
    if Path(name).name != name or not name.endswith(".safetensors"):
        raise InputError("runs.model.outside", path=str(folder), shard=name[:200])
    if not (folder / name).is_file():
        raise InputError("runs.model.shard", path=str(folder), shard=name)


def _shards(index: Path) -> set[str]:
    try:
        return {str(name) for name in json_in(index, INDEX_BYTES)["weight_map"].values()}
    except (KeyError, AttributeError, TypeError) as error:
        raise InputError("runs.model.config", path=str(index), detail=str(error)) from None


def _model(spec: ModelSpec, base: Path) -> ModelSpec:
    """A folder's path made absolute; what is no folder and does not look like one is a hub id."""
    adapter = getattr(spec, "adapter", None)
    refuse_code(spec)
    named = spec.runs_code
    if adapter:
        spec = msgspec.structs.replace(spec, adapter=str(_found(adapter, base)))
    found = _found(spec.id, base)
    looks_local = spec.id.startswith(("/", ".", "~")) or spec.id.count("/") > 1
    if not found.exists() and not looks_local:
        return spec
    return msgspec.structs.replace(spec, id=str(found), trust_remote_code=str(found) if named else False)


def refuse_code(spec: ModelSpec) -> None:
    """InputError when a model's own code is asked for without naming that model."""
    if spec.trust_remote_code and not spec.runs_code:
        raise InputError("runs.model.trust", model=spec.id)


def check_adapter(folder: Path) -> None:
    """InputError when an adapter's weights are no safetensors: a pickle beside its configuration runs what it likes."""
    if folder.is_dir() and not any(folder.glob("*.safetensors")) and any(_pickles(folder)):
        raise InputError("runs.model.only_pickle", path=str(folder))


def _pickles(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt")]


def _data(spec: DataSpec, base: Path) -> DataSpec:
    paths = {name: getattr(spec, name, None) for name in ("train", "eval", "docs", "replay", "replay_eval")}
    return msgspec.structs.replace(spec, **{name: str(_found(p, base)) for name, p in paths.items() if p})


def _retrieval(spec: RetrievalSpec, base: Path) -> RetrievalSpec:
    """Folders of models made absolute; what is no folder is a hub id."""
    named = {name: getattr(spec, name) for name in ("chunk_tokenizer", "embedding", "reranker")}
    found = {name: str(_found(model, base)) for name, model in named.items() if model and _found(model, base).is_dir()}
    return msgspec.structs.replace(spec, **found)


def _beside(spec: Spec, base: Path, name: str) -> Spec:
    """The file or folder that `name` gives made absolute."""
    path = getattr(spec, name)
    return msgspec.structs.replace(spec, **{name: str(_found(path, base))}) if path else spec


def _found(path: str, base: Path) -> Path:
    """The absolute path: beside the recipe when it is there, else from where we stand."""
    given = Path(path).expanduser()
    beside = base / given
    return (beside if beside.exists() else given).absolute()


def _check_data(recipe: Recipe) -> None:
    """Each stage's data, its own or else the recipe's, as its objective needs it."""
    for at, objectives in enumerate(recipe.in_order):
        data = recipe.stage_data(at)
        _check_spec(data, objectives[0])
        if objectives == (Objective.DISTILL,) and recipe.teacher is None:
            check_answered(Path(data.train), data.mapping)


def _check_spec(data: DataSpec, objective: Objective) -> None:
    check_rows(Path(data.train), objective, data.mapping, "data.train")
    if data.eval:
        check_rows(Path(data.eval), objective, data.mapping, "data.eval")
    if data.docs and not Path(data.docs).exists():
        raise InputError("runs.data.missing", path=data.docs, key="data.docs")
