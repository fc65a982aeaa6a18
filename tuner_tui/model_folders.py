"""A model folder is described by its own files: parameters from the shapes of its tensors, never from its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from advisor.errors import InputError
from advisor.facts import Kind
from tuner_tui import paths
from tuner_tui.foreign import mapping, tensors
from tuner_tui.hub_cache import hub_cache, snapshot
from tuner_tui.runs.preflight import check_model

MOST = 200


class FoundModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model. `source`: practice, cache, folder (`path` is here), catalog, hub (`path` a name); None = unknown."""

    id: str
    path: str
    source: str
    params_b: float | None = None
    kind: Kind | None = None
    architecture: str | None = None
    bytes: int | None = None


def read_model(folder: Path, *, source: str = "folder", name: str | None = None) -> FoundModel:
    """Describe a folder in Hugging Face layout; InputError says which of config, weights and tokenizer is missing."""
    from advisor.recipe import ModelSpec

    folder = folder.expanduser().absolute()
    check_model(ModelSpec(id=str(folder)))
    config = mapping(folder / "config.json")
    weights = sorted(folder.glob("*.safetensors"))
    names = config.get("architectures")
    return FoundModel(
        id=name or str(folder),
        path=str(folder),
        source=source,
        params_b=None if "quantization_config" in config else _parameters(weights),
        kind=Kind.INSTRUCT if _has_chat_template(folder) else Kind.BASE,
        architecture=str(names[0]) if isinstance(names, list) and names else None,
        bytes=sum(path.stat().st_size for path in weights),
    )


def local_models() -> list[FoundModel]:
    """The practice model and what lies in the Hugging Face cache; folders that cannot be used are left out."""
    found: list[FoundModel] = []
    for folder, source, name in _candidates():
        try:
            found.append(read_model(folder, source=source, name=name))
        except (InputError, OSError):
            continue
        if len(found) >= MOST:
            break
    return found


def catalog_models() -> list[FoundModel]:
    """Open models that are known by name, with parameters counted from their shape; the weights are not here."""
    from advisor.catalog import models

    return [_listed(known.id, known.parameters) for known in models()]


def known_model(name: str) -> FoundModel:
    """What a hub name says: the catalogue's figures, else the size that the name itself claims."""
    from advisor.catalog import find_model

    known = find_model(name)
    if known is not None:
        return _listed(name, known.parameters)
    return FoundModel(id=name, path=name, source="hub", params_b=size_in_name(name), kind=kind_in_name(name))


def _listed(name: str, parameters: int) -> FoundModel:
    size = round(parameters / 1e9, 3)
    return FoundModel(id=name, path=name, source="catalog", params_b=size, kind=kind_in_name(name))


def kind_in_name(name: str) -> Kind | None:
    """`-Instruct`, `-it`, `-Chat` and `-Base` at a name's end say the kind; others say nothing."""
    found = re.search(r"-(instruct|it|chat|base)(-v?[0-9.]+)?$", name, re.IGNORECASE)
    if not found:
        return None
    return Kind.BASE if found[1].lower() == "base" else Kind.INSTRUCT


def _candidates() -> Iterator[tuple[Path, str, str | None]]:
    practice = paths.samples() / "model"
    if practice.is_dir():
        yield practice, "practice", None
    for home in sorted(hub_cache().glob("models--*")):
        newest = snapshot(home)
        if newest is not None:
            yield newest, "cache", home.name.removeprefix("models--").replace("--", "/")


def _parameters(weights: list[Path]) -> float | None:
    """Billions of parameters: the sizes of all tensors, read from the headers."""
    try:
        total = sum(tensor.count for path in weights for tensor in tensors(path).values())
    except (OSError, ValueError):
        return None
    return round(total / 1e9, 6) or None


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file():
        return True
    return bool(mapping(folder / "tokenizer_config.json").get("chat_template"))


def size_in_name(name: str) -> float | None:
    """`Qwen3-8B` -> 8.0, `SmolLM2-360M` -> 0.36: what a hub name claims, for a person to check; else None."""
    found = re.search(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)\s*([BbMm])(?![A-Za-z0-9])", name)
    if not found:
        return None
    number = float(found[1])
    return number if found[2] in "Bb" else number / 1000
