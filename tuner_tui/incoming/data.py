"""Where another tool's rows are: a file that is there is named, absolute; anything else stays as the tool wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")
NAMES = {"train": ("train",), "eval": ("test", "validation", "valid", "eval")}


def of(tool: str, raw: dict[str, Any], base: Path, known: set[str]) -> dict[str, Any]:
    """The recipe's data part. Of several data sets the first is taken; the others stay among what is left."""
    found = {"axolotl": _axolotl, "llamafactory": _llamafactory, "trl": _trl}[tool](raw, base, known)
    if "eval" not in found and isinstance(raw.get("val_set_size", raw.get("val_size")), float):
        found["eval_fraction"] = raw.get("val_set_size", raw.get("val_size")) or 0.1
        known.add("val_size")
    return found


def _axolotl(raw: dict[str, Any], base: Path, known: set[str]) -> dict[str, Any]:
    known |= {"chat_template"} if raw.get("chat_template") == "tokenizer_default" else set()
    found = {}
    for name, key in (("train", "datasets"), ("eval", "test_datasets")):
        sets = raw.get(key) or []
        if sets and isinstance(sets[0], dict) and sets[0].get("path"):
            found[name] = _file(base, str(sets[0].get("data_files") or sets[0]["path"]))
            known |= {key} if len(sets) == 1 else set()
    return {"train": "", **found}


def _llamafactory(raw: dict[str, Any], base: Path, known: set[str]) -> dict[str, Any]:
    folder = Path(str(raw.get("dataset_dir", "data")))
    folder = folder if folder.is_absolute() else base / folder
    known |= {"dataset_dir"}
    found = {}
    for name, key in (("train", "dataset"), ("eval", "eval_dataset")):
        sets = [part.strip() for part in str(raw.get(key) or "").split(",") if part.strip()]
        if sets:
            found[name] = _listed(folder, sets[0])
            known |= {key} if len(sets) == 1 else set()
    return {"train": "", **found}


def _listed(folder: Path, name: str) -> str:
    """The file that `dataset_info.json` gives for a name; the name itself where it gives none."""
    try:
        info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))[name]
        return _file(folder, str(info.get("file_name") or info.get("hf_hub_url") or name))
    except (OSError, ValueError, KeyError, AttributeError):
        return name


def _trl(raw: dict[str, Any], base: Path, known: set[str]) -> dict[str, Any]:
    known |= {"dataset_name"}
    sets = raw.get("datasets") or []
    if sets and isinstance(sets[0], dict):
        known |= {"datasets"} if len(sets) == 1 else set()
        files = sets[0].get("data_files")
        if isinstance(files, dict):
            return {"train": "", **{_role(role): _file(base, str(file)) for role, file in files.items()}}
        return {"train": _file(base, str(files[0] if isinstance(files, list) else files or sets[0].get("path")))}
    named = str(raw.get("dataset_name") or "")
    folder = base / named
    if not (named and folder.is_dir()):
        return {"train": _file(base, named)}
    inside = {role: _inside(folder, names) for role, names in NAMES.items()}
    return {"train": "", **{role: path for role, path in inside.items() if path}}


def _role(name: str) -> str:
    return "train" if name == "train" else "eval"


def _inside(folder: Path, names: tuple[str, ...]) -> str | None:
    """The file of a folder whose name says that it is one of `names`."""
    for name in names:
        for suffix in SUFFIXES:
            if (folder / f"{name}{suffix}").is_file():
                return str((folder / f"{name}{suffix}").resolve())
    return None


def _file(base: Path, name: str) -> str:
    """An existing file, absolute; else the name as it is (a hub data set)."""
    path = base / Path(name).expanduser()
    return str(path.resolve()) if path.is_file() else name
