"""`tuner models`: models on this machine and in the catalogue, or the shape of one; nothing is downloaded."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from advisor.architecture import Architecture, from_config
from advisor.catalog import find_model, models
from advisor.errors import InputError
from advisor.linears import parameter_count
from tuner_tui.commands import ExitCode, print_json
from tuner_tui.safe import clean
from tuner_tui.words import words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An id, a folder, a config.json or a .gguf file; without it, everything that is known."""
    parser.add_argument("model", nargs="?", metavar="MODEL", help=words().say("models.help.model"))
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """List models, or describe one; 2 for one that is not known."""
    if args.model:
        return _one(args.model, args.json)
    rows = [*_local(), *_catalogue()]
    if args.json:
        print_json(rows)
    else:
        print("\n".join(_lines(rows)))
    return ExitCode.DONE


def _one(name: str, as_json: bool) -> int:
    from tuner_tui.model_shapes import find_config

    config = find_config(name)
    if config is None:
        raise InputError("models.unknown", id=clean(name, 120))
    arch = from_config(config, name)
    known = find_model(name)
    row = _row(name, "catalog" if known else "folder", arch)
    row["published_parameters"] = known.published if known else None
    row["shape_source"] = known.source if known else None
    row["shape"] = msgspec.to_builtins(arch)
    if as_json:
        print_json(row)
        return ExitCode.DONE
    say = words().say
    print("\n".join([*_lines([row]), say("models.shape")]))
    for key, value in row["shape"].items():
        print(f"  {key:<20} {clean(str(value), 80)}")
    return ExitCode.DONE


def _local() -> list[dict[str, Any]]:
    from tuner_tui.model_folders import local_models

    return [
        {"id": m.id, "source": m.source, "params_b": m.params_b, "architecture": m.architecture, "path": m.path}
        for m in local_models()
    ]


def _catalogue() -> list[dict[str, Any]]:
    return [
        {**_row(model.id, "catalog", model.arch), "shape_source": model.source}
        for model in sorted(models(), key=lambda model: model.parameters)
    ]


def _row(name: str, source: str, arch: Architecture) -> dict[str, Any]:
    count = parameter_count(arch)
    return {
        "id": name,
        "source": source,
        "params_b": round(count / 1e9, 3),
        "parameters": count,
        "architecture": arch.model_type,
        "hidden": arch.hidden,
        "layers": arch.layers,
        "vocab": arch.vocab,
        "experts": arch.experts or None,
    }


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    say = words().say
    found = []
    for row in rows:
        size = say("models.unknown_size") if row["params_b"] is None else f"{row['params_b']:.3g} B"
        place = say(f"models.source.{row['source']}")
        found.append(f"{clean(row['id'], 60):<48} {size:>9}  {clean(row['architecture'] or '?', 24):<20} {place}")
    return found
