"""Where another tool's rows are: a file that is there is named, absolute; anything else stays as the tool wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tuner_tui.incoming.draft import Draft, number

# Where an entry's rows are and what form they have, which the rows themselves tell.
FORM = {"path", "type", "ds_type", "data_files", "field_messages", "field", "message_property_mappings", "conversation"}
FORM |= {"field_chosen", "field_rejected", "message_field_training", "roles_to_train", "train_on_eos", "text_column"}
WHOLE = {"split": "train"}
SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")
NAMES = {"train": ("train",), "eval": ("test", "validation", "valid", "eval")}


def of(draft: Draft, base: Path) -> dict[str, Any]:
    """The recipe's data part. Of several data sets the first is taken; the others stay among what is left."""
    found = {"axolotl": _axolotl, "llamafactory": _llamafactory, "trl": _trl}[draft.tool](draft, base)
    for key in ("val_set_size", "val_size", "test_split_size"):
        share = number(draft.raw.get(key))
        if "eval" not in found and isinstance(share, float) and 0 < share < 1:
            found["eval_fraction"] = share
            draft.known.add(key)
    if "eval" in found and not draft.raw.get("val_set_size"):
        draft.known.add("val_set_size")  # none is split off where there are held-out rows
    return found


def _axolotl(draft: Draft, base: Path) -> dict[str, Any]:
    """The first of `datasets`; what its entry asks for besides its file and form is left."""
    raw, known, found = draft.raw, draft.known, {}
    for name, key in (("train", "datasets"), ("train", "pretraining_dataset"), ("eval", "test_datasets")):
        sets = raw.get(key)
        sets = [{"path": sets}] if isinstance(sets, str) else sets or []
        if sets and isinstance(sets[0], dict) and sets[0].get("path"):
            files = sets[0].get("data_files")
            found[name] = _file(base, str((files[0] if isinstance(files, list) else files) or sets[0]["path"]))
            known |= {key} if len(sets) == 1 else set()
            rest = {each: value for each, value in sets[0].items() if each not in FORM and value != WHOLE.get(each)}
            draft.left |= {f"{key}.{each}": value for each, value in rest.items()} if key in known else {}
    return {"train": "", **found}


def _llamafactory(draft: Draft, base: Path) -> dict[str, Any]:
    raw, known = draft.raw, draft.known
    folder = Path(str(raw.get("dataset_dir", "data")))
    folder = folder if folder.is_absolute() else base / folder
    known |= {"dataset_dir"}
    found = {}
    for name, key in (("train", "dataset"), ("eval", "eval_dataset")):
        named = raw.get(key) or ""
        listed = named if isinstance(named, list) else str(named).split(",")
        sets = [str(part).strip() for part in listed if str(part).strip()]
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


def _trl(draft: Draft, base: Path) -> dict[str, Any]:
    raw, known = draft.raw, draft.known
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
