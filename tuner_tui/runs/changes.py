"""A run is resumed as it was begun: what was changed in its recipe or data since is named, and refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from advisor.errors import InputError
from advisor.recipe import decode_recipe
from tuner_tui.runs.directory import RunDir
from tuner_tui.safe import clean

SHOWN = 6


def refuse_changes(run: RunDir) -> None:
    """InputError that names the changed keys, or the data file whose size is another; what cannot be told passes.

    The training child compares hashes besides; a file of the same size with other content is its to refuse.
    """
    if run.original_path.is_file():
        before = msgspec.to_builtins(decode_recipe(run.original_path.read_bytes(), str(run.original_path)))
        after = msgspec.to_builtins(decode_recipe(run.recipe_path.read_bytes(), str(run.recipe_path)))
        found = [f"{key} ({_shown(old)} -> {_shown(new)})" for key, old, new in differences(before, after)]
        if found:
            named = ", ".join(found[:SHOWN]) + (", ..." if len(found) > SHOWN else "")
            raise InputError("runs.recipe_changed", path=str(run.recipe_path), changes=named)
    info = run.info()
    for path, size in (info.data_bytes if info else {}).items():
        _refuse_other_size(Path(path), size)


def differences(before: Any, after: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every key whose value differs, with the values; None stands for a key that is not there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [*before, *(name for name in after if name not in before)]:
            yield from differences(before.get(name), after.get(name), f"{key}.{name}" if key else str(name))
    elif before != after:
        yield key, before, after


def _refuse_other_size(path: Path, size: int) -> None:
    try:
        now = path.stat().st_size
    except OSError:
        raise InputError("runs.data.missing", path=str(path), key="data") from None
    if now != size:
        raise InputError("runs.data_changed", path=str(path), before=f"{size:,}", now=f"{now:,}")


def _shown(value: Any) -> str:
    return clean("-" if value is None else value, 40)
