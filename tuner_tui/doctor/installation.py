"""The installation against its own metadata: the Python, every package in its range, the shipped samples."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable

from tuner_tui import __version__, paths
from tuner_tui.doctor.check import Check, fail, good, warn

OLDEST = (3, 11)
ITSELF = "tuner"


def python() -> Check:
    """The interpreter is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST:
        return fail("python", "old", version=version, oldest=".".join(map(str, OLDEST)))
    return good("python", version=version, path=sys.executable, tuner=__version__)


def packages(needed: list[str] | None = None, version_of: Callable[[str], str] = importlib.metadata.version) -> Check:
    """Every package that tuner names is there, in the range that it names. `needed`: requirement lines."""
    from packaging.requirements import Requirement

    try:
        lines = (importlib.metadata.requires(ITSELF) or []) if needed is None else needed
    except importlib.metadata.PackageNotFoundError:
        return fail("packages", "not_installed", python=sys.executable)
    wanted = [Requirement(line) for line in lines]
    wanted = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    wrong, cure = [], []
    for each in wanted:
        try:
            version = version_of(each.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(each.name)
        else:
            if each.specifier.contains(version, prereleases=True):
                continue
            wrong.append(f"{each.name} {version}")
        cure.append(f"'{each.name}{each.specifier}'")
    if wrong:
        return fail("packages", "wrong", wrong=", ".join(wrong), cure=" ".join(cure), python=sys.executable)
    return good("packages", count=len(wanted))


def samples() -> Check:
    """The practice model and data are there."""
    folder = paths.samples()
    missing = [name for name in ("model/config.json", "facts/practice.yaml") if not (folder / name).is_file()]
    if missing:
        return warn("samples", "missing", path=folder, missing=", ".join(missing))
    return good("samples", path=folder)
